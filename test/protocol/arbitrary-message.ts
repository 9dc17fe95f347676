import fc, { type Arbitrary } from 'fast-check'
import { isNullable, isPresent, type Version, versionOf } from '../../src/protocol/field-plan.ts'
import type { Field, Fields, Message } from '../../src/protocol/schema.ts'

export type Value = { readonly [name: string]: unknown }

/** Values of every kind that one version of `message` can carry, other fields left out. */
export function arbitraryMessage(message: Message, version: number): Arbitrary<Value> {
  return arbitraryStruct(message.fields, versionOf(message, version))
}

function arbitraryStruct(fields: Fields, at: Version): Arbitrary<Value> {
  const present = Object.entries(fields).filter(([, field]) => isPresent(field, at))
  return fc.record(
    Object.fromEntries(present.map(([name, field]) => [name, arbitraryField(field, at)])),
    { noNullPrototype: true },
  )
}

function arbitraryField(field: Field, at: Version): Arbitrary<unknown> {
  const value = arbitraryValue(field, at)
  return isNullable(field, at) ? fc.option(value, { freq: 5 }) : value
}

function arbitraryValue(field: Field, at: Version): Arbitrary<unknown> {
  switch (field.type) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -0x80, max: 0x7f })
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff })
    case 'uint16':
      return fc.integer({ min: 0, max: 0xffff })
    case 'int32':
      return fc.integer()
    case 'uint32':
      return fc.integer({ min: 0, max: 0xffff_ffff })
    case 'int64':
      return fc.maxSafeInteger()
    case 'float64':
      return fc.double()
    case 'uuid':
      return fc
        .uint8Array({ minLength: 16, maxLength: 16 })
        .map((bytes) => Buffer.from(bytes).toString('latin1'))
    case 'string':
      return fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constant('x'.repeat(200)))
    case 'bytes':
    case 'records':
      return fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
    case 'array':
      return fc.array(arbitraryField(field.element!, at), { maxLength: 3 })
    case 'struct':
      return arbitraryStruct(field.fields!, at)
  }
}
