import { Reader } from './bytes/reader.ts'
import { Writer } from './bytes/writer.ts'
import { read, write } from './codec.ts'
import type { DecodedOf, EncodableOf, Message } from './schema.ts'

/** Messages without header and size: inside `bytes` fields, and in records of internal topics. */

export function encodeBody<M extends Message>(
  message: M,
  version: number,
  value: EncodableOf<M>,
): Buffer {
  return encodeWith((writer) => write(message, version, writer, value))
}

export function decodeBody<M extends Message>(
  message: M,
  version: number,
  bytes: Buffer,
): DecodedOf<M> {
  return read(message, version, new Reader(bytes))
}

/** How many bytes `encodeBody` would make. */
export function bodyLength<M extends Message>(
  message: M,
  version: number,
  value: EncodableOf<M>,
): number {
  const mark = shared.mark()
  try {
    write(message, version, shared, value)
    return shared.take().byteLength
  } catch (error) {
    shared.restore(mark)
    throw error
  }
}

/** A message behind its int16 version, as consumer protocol and internal topics have it. */
export function encodeVersioned<M extends Message>(
  message: M,
  version: number,
  value: EncodableOf<M>,
): Buffer {
  return encodeWith((writer) => {
    writer.int16(version)
    write(message, version, writer, value)
  })
}

/** A version newer than the newest is read as that: they only ever append fields. */
export function decodeVersioned<M extends Message>(message: M, bytes: Buffer): DecodedOf<M> {
  const reader = new Reader(bytes)
  const version = reader.int16(`${message.name} version`)
  const [min, max] = message.versions
  if (version < min) throw reader.invalid(`${message.name} version`, `is ${version}`)
  return read(message, Math.min(version, max), reader)
}

/** What `writeContent` writes, in one buffer of its own. */
export function encodeWith(writeContent: (writer: Writer) => void): Buffer {
  const mark = shared.mark()
  try {
    writeContent(shared)
    const { chunks, byteLength } = shared.take()
    return Buffer.concat(chunks, byteLength)
  } catch (error) {
    shared.restore(mark)
    throw error
  }
}

/** Idle between calls: nothing here waits. */
const shared = new Writer(4096)
