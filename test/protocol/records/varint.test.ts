import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  sizeOfVarint,
  sizeOfVarlong,
  VarintReader,
  writeVarint,
  writeVarlong,
} from '../../../src/protocol/records/varint.ts'
import { bytesOf, goldenJson, saturated } from './golden.ts'

interface VarintVector {
  type: string
  value?: string
  hex: string
  decodeOnly?: boolean
  bytesRead?: number
  error?: string
}

const vectors = goldenJson<VarintVector[]>('varints.json').filter(
  (vector) => vector.type === 'varint' || vector.type === 'varlong',
)

describe('varints', () => {
  it.each(vectors)(
    '$type $hex reads as Kafka reads it',
    ({ type, hex, value, bytesRead, error }) => {
      const reader = new VarintReader(bytesOf(hex))
      const read = () => (type === 'varint' ? reader.varint() : reader.varlong())
      if (error !== undefined) {
        expect(read).toThrow(error === 'BufferUnderflowException' ? 'cut short' : 'too long')
        return
      }
      expect(read()).toBe(saturated(value!))
      expect(reader.position).toBe(bytesRead ?? hex.length / 2)
    },
  )

  it.each(vectors.filter((vector) => !vector.decodeOnly))(
    '$type $value is written as $hex',
    (v) => {
      const value = Number(v.value)
      if (!Number.isSafeInteger(value)) return
      const bytes = Buffer.alloc(10)
      const write = v.type === 'varint' ? writeVarint : writeVarlong
      const size = v.type === 'varint' ? sizeOfVarint : sizeOfVarlong
      expect(bytes.subarray(0, write(bytes, 0, value)).toString('hex')).toBe(v.hex)
      expect(size(value)).toBe(v.hex.length / 2)
    },
  )

  it('come back the same, with the size foretold', () => {
    fc.assert(
      fc.property(fc.integer(), fc.maxSafeInteger(), (small, large) => {
        const bytes = Buffer.alloc(20)
        const middle = writeVarint(bytes, 0, small)
        const end = writeVarlong(bytes, middle, large)
        expect(middle).toBe(sizeOfVarint(small))
        expect(end - middle).toBe(sizeOfVarlong(large))
        const reader = new VarintReader(bytes)
        expect([reader.varint(), reader.varlong(), reader.position]).toEqual([small, large, end])
      }),
    )
  })
})
