import { expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.ts'
import { Fetch } from '../../src/protocol/apis/01-fetch.ts'
import { JoinGroup } from '../../src/protocol/apis/11-join-group.ts'
import { Heartbeat } from '../../src/protocol/apis/12-heartbeat.ts'
import { decodeBody, encodeBody } from '../../src/protocol/body.ts'
import { ProtocolError } from '../../src/protocol/bytes/protocol-error.ts'
import { codecSource } from '../../src/protocol/codec.ts'
import {
  int32,
  message,
  nullableString,
  nullableStruct,
  string,
} from '../../src/protocol/schema.ts'

/** Change them with `vitest -u`, once the difference is understood. */
test.each([
  ['heartbeat-request-v4.read.js', Heartbeat.request, 4, 'read'],
  ['fetch-request-v17.read.js', Fetch.request, 17, 'read'],
  ['fetch-response-v17.write.js', Fetch.response, 17, 'write'],
] as const)(
  'the code is the one in golden/codec/%s',
  async (file, declared, version, direction) => {
    const source = codecSource(declared, version, direction)
    await expect(source).toMatchFileSnapshot(`../golden/codec/${file}`)
  },
)

test('null is written as empty in versions that cannot say null', () => {
  const response = { errorCode: 0, protocolName: null, leader: '', memberId: '', members: [] }
  expect(
    decodeBody(JoinGroup.response, 7, encodeBody(JoinGroup.response, 7, response)),
  ).toMatchObject({ protocolName: null })
  expect(
    decodeBody(JoinGroup.response, 6, encodeBody(JoinGroup.response, 6, response)),
  ).toMatchObject({ protocolName: '' })
})

test('fields that a version lacks are not written, and read as their default', () => {
  const request = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: 'i' }
  const bytes = encodeBody(Heartbeat.request, 2, request)
  expect(bytes.length).toBe(10)
  expect(decodeBody(Heartbeat.request, 2, bytes).groupInstanceId).toBeNull()
})

test('a string beyond what the protocol can carry is refused', () => {
  const response = { errorCode: 0, leader: 'x'.repeat(32_768), memberId: '', members: [] }
  for (const version of [6, 5]) {
    const write = () => encodeBody(JoinGroup.response, version, { protocolName: '', ...response })
    expect(write).toThrow(ProtocolError)
  }
})

test('a version that the declaration lacks is our bug', () => {
  expect(() => decodeBody(Heartbeat.request, 5, Buffer.alloc(9))).toThrow(AssertionError)
})

test('a tagged struct that may be null says so with one byte', () => {
  const declared = message({
    name: 'Probe',
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
      first: nullableStruct({ text: string(), number: int32({ default: 7 }) }, { tag: 0 }),
      second: nullableStruct({ number: int32() }, { tag: 1, default: {} }),
      third: nullableString({ tag: 2, default: 'none' }),
    },
  })
  const hexOf = (value: Parameters<typeof encodeBody<typeof declared>>[2]) =>
    encodeBody(declared, 0, value).toString('hex')
  expect(hexOf({})).toBe('00')
  expect(hexOf({ first: null, second: { number: 0 }, third: 'none' })).toBe('00')
  expect(hexOf({ second: null, third: null })).toBe('02' + '010100' + '020100')
  expect(hexOf({ first: { text: 'a' } })).toBe('01' + '0008' + '01' + '0261' + '00000007' + '00')
  const decoded = decodeBody(
    declared,
    0,
    Buffer.from('02' + '000801026100000007' + '00010100', 'hex'),
  )
  expect(decoded).toEqual({ first: { text: 'a', number: 7 }, second: null, third: 'none' })
})

test('names that are no identifiers never reach generated code', () => {
  const declared = message({ name: 'Probe', versions: [0, 0], fields: { 'a;b': int32() } })
  expect(() => decodeBody(declared, 0, Buffer.alloc(4))).toThrow(AssertionError)
})
