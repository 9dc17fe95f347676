import { apiByKey } from './apis/index.ts'
import { ProtocolError } from './bytes/protocol-error.ts'
import type { Reader } from './bytes/reader.ts'
import type { Writer } from './bytes/writer.ts'
import type { Api } from './schema.ts'

/** What stands before the body of a request (reference: api-keys.md, section 1). */
export interface RequestHeader {
  readonly api: Api
  /** As the client sent it: it may be one that `api` does not have. */
  readonly apiVersion: number
  readonly correlationId: number
  /** '' when the client sent none. */
  readonly clientId: string
}

/** ApiVersions: the one API whose response must be readable before versions are agreed on. */
const API_VERSIONS_KEY = 18

export function isFlexible(api: Api, apiVersion: number): boolean {
  return api.flexibleSince !== undefined && apiVersion >= api.flexibleSince
}

/**
 * Reads a request header and leaves the reader at the body. Throws ProtocolError for keys that are
 * not declared, since their header's form is unknown; a version beyond the declared ones is taken
 * to be as flexible as the newest.
 */
export function readRequestHeader(reader: Reader): RequestHeader {
  const apiKey = reader.int16('request header requestApiKey')
  const apiVersion = reader.int16('request header requestApiVersion')
  const correlationId = reader.int32('request header correlationId')
  const api = apiByKey(apiKey)
  if (api === undefined) throw new ProtocolError(`API key ${apiKey} is not known`)
  const clientId = reader.nullableString('request header clientId') ?? ''
  if (isFlexible(api, apiVersion)) reader.skipTags('request header tags')
  return { api, apiVersion, correlationId, clientId }
}

export function writeRequestHeader(
  writer: Writer,
  api: Api,
  apiVersion: number,
  correlationId: number,
  clientId: string | null,
): void {
  writer.int16(api.key)
  writer.int16(apiVersion)
  writer.int32(correlationId)
  writer.nullableString(clientId)
  if (isFlexible(api, apiVersion)) writer.int8(0)
}

/** Flexible responses have a tagged section in their header, except those of ApiVersions. */
function hasResponseTags(api: Api, apiVersion: number): boolean {
  return api.key !== API_VERSIONS_KEY && isFlexible(api, apiVersion)
}

/** Returns the correlation id. */
export function readResponseHeader(reader: Reader, api: Api, apiVersion: number): number {
  const correlationId = reader.int32('response header correlationId')
  if (hasResponseTags(api, apiVersion)) reader.skipTags('response header tags')
  return correlationId
}

export function writeResponseHeader(
  writer: Writer,
  api: Api,
  apiVersion: number,
  correlationId: number,
): void {
  writer.int32(correlationId)
  if (hasResponseTags(api, apiVersion)) writer.int8(0)
}
