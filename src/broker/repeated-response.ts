import type { Writer } from '../protocol/bytes/writer.ts'
import { encodeResponse } from '../protocol/message.ts'
import type { Api, ResponseOf } from '../protocol/schema.ts'

/** Size and correlation id. */
const PREFIX_BYTES = 8

/** What stands behind the prefix, by response: an object that is never changed. */
const encoded = new WeakMap<object, Uint8Array>()

/** `writeResponse` for an object that was written before, mostly, in the same version. */
export function writeRepeated<A extends Api>(
  writer: Writer,
  api: A,
  apiVersion: number,
  correlationId: number,
  response: ResponseOf<A>,
): void {
  let bytes = encoded.get(response)
  if (!bytes) {
    const { chunks } = encodeResponse(api, apiVersion, correlationId, response)
    bytes = Buffer.concat(chunks).subarray(PREFIX_BYTES)
    encoded.set(response, bytes)
  }
  writer.reserve(PREFIX_BYTES + bytes.length)
  writer.int32(PREFIX_BYTES - 4 + bytes.length)
  writer.int32(correlationId)
  writer.copy(bytes)
}
