import { assert } from '../base/assert.ts'
import { readInt64, writeInt64 } from './bytes/int64.ts'
import type { Reader } from './bytes/reader.ts'
import {
  putCompactString,
  putString,
  putUuid,
  putUvarint,
  REFERENCE_BYTES,
  type Writer,
} from './bytes/writer.ts'
import { readerSource } from './compile-reader.ts'
import { writerSource } from './compile-writer.ts'
import type { DecodedOf, EncodableOf, Message } from './schema.ts'

/**
 * Readers and writers of messages, compiled from the schema at first use: per message, version and
 * direction one function. The source is made of our own constants only; `npm run show-codec`
 * prints it.
 */

type Read = (reader: Reader) => unknown
type Write = (writer: Writer, value: unknown) => void

/**
 * Reads the body of `message` at the reader's position and moves the reader behind it. Throws
 * ProtocolError when the bytes are no such message.
 */
export function read<M extends Message>(message: M, version: number, reader: Reader): DecodedOf<M> {
  const { reads } = message.compiled
  reads[version] ??= compile(message, version, 'read')
  return (reads[version] as Read)(reader) as DecodedOf<M>
}

/** Writes the body of `message`, without header and size. */
export function write<M extends Message>(
  message: M,
  version: number,
  writer: Writer,
  value: EncodableOf<M>,
): void {
  const { writes } = message.compiled
  writes[version] ??= compile(message, version, 'write')
  ;(writes[version] as Write)(writer, value)
}

/** What generated code may name besides its parameters. */
const helpers = {
  readInt64,
  writeInt64,
  putCompactString,
  putString,
  putUuid,
  putUvarint,
  REFERENCE_BYTES,
  noBytes: Buffer.alloc(0),
}

export type Direction = 'read' | 'write'

/** The text that is compiled: a function body that takes `helpers` and returns the codec. */
export function codecSource(message: Message, version: number, direction: Direction): string {
  const [min, max] = message.versions
  assert(version >= min && version <= max, `${message.name} to have version ${version}`)
  const source =
    direction === 'read' ? readerSource(message, version) : writerSource(message, version)
  return [
    "'use strict'",
    `const { ${Object.keys(helpers).join(', ')} } = helpers`,
    source,
    `//# sourceURL=dohle:codec/${message.name}V${version}.${direction}.js\n`,
  ].join('\n')
}

function compile(message: Message, version: number, direction: Direction): unknown {
  return new Function('helpers', codecSource(message, version, direction))(helpers)
}
