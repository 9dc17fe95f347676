import { ProtocolError } from './bytes/protocol-error.ts'
import { Reader } from './bytes/reader.ts'
import { type Encoded, Writer } from './bytes/writer.ts'
import { read, write } from './codec.ts'
import {
  type RequestHeader,
  readRequestHeader,
  readResponseHeader,
  writeRequestHeader,
  writeResponseHeader,
} from './header.ts'
import type { Api, DecodedOf, EncodableOf, RequestOf, ResponseOf } from './schema.ts'

/**
 * Whole frames: size, header and body in one go. A size in front of an encoded frame is part of
 * it; frames to decode are given without theirs, as frame.ts cuts them.
 */

/** Reads the body of a request; the reader stands behind its header (header.ts). */
export function decodeRequest<A extends Api>(
  api: A,
  apiVersion: number,
  reader: Reader,
): RequestOf<A> {
  return read<A['request']>(api.request, apiVersion, reader)
}

/** What a client does with a response frame. */
export function decodeResponse<A extends Api>(
  api: A,
  apiVersion: number,
  frame: Buffer,
): { readonly correlationId: number; readonly response: DecodedOf<A['response']> } {
  const reader = new Reader(frame)
  const correlationId = readResponseHeader(reader, api, apiVersion)
  return { correlationId, response: read<A['response']>(api.response, apiVersion, reader) }
}

/** What a broker does with a request frame, for tools and tests. */
export function decodeRequestFrame(frame: Buffer): RequestHeader & { readonly request: unknown } {
  const reader = new Reader(frame)
  const header = readRequestHeader(reader)
  const [min, max] = header.api.versions
  if (header.apiVersion < min || header.apiVersion > max) {
    throw new ProtocolError(`${header.api.name} version ${header.apiVersion} is not known`)
  }
  return { ...header, request: read(header.api.request, header.apiVersion, reader) }
}

/** Appends a response frame to what `writer` holds; if it cannot be encoded, nothing is. */
export function writeResponse<A extends Api>(
  writer: Writer,
  api: A,
  apiVersion: number,
  correlationId: number,
  response: ResponseOf<A>,
): void {
  writeFrame(writer, () => {
    writeResponseHeader(writer, api, apiVersion, correlationId)
    write(api.response, apiVersion, writer, response)
  })
}

/** One response frame. The chunks refer to large `records` of `response`: see `Writer.refer`. */
export function encodeResponse<A extends Api>(
  api: A,
  apiVersion: number,
  correlationId: number,
  response: ResponseOf<A>,
): Encoded {
  writeResponse(shared, api, apiVersion, correlationId, response)
  return shared.take()
}

/** What a client does to ask. */
export function encodeRequest<A extends Api>(
  api: A,
  apiVersion: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  request: EncodableOf<A['request']>,
): Encoded {
  writeFrame(shared, () => {
    writeRequestHeader(shared, api, apiVersion, header.correlationId, header.clientId)
    write(api.request, apiVersion, shared, request)
  })
  return shared.take()
}

/** Idle between calls: nothing here waits. */
const shared = new Writer()

function writeFrame(writer: Writer, writeContent: () => void): void {
  const mark = writer.mark()
  try {
    writer.reserve(4)
    const { view, position } = writer
    const before = writer.byteLength
    writer.position += 4
    writeContent()
    view.setInt32(position, writer.byteLength - before - 4)
  } catch (error) {
    writer.restore(mark)
    throw error
  }
}
