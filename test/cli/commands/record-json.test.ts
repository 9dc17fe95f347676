import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRecordLine, recordLine } from '../../../src/cli/commands/record-json.ts'
import { fetchedRecord, type RecordText } from './record.ts'

function lineOf(text: RecordText, timestamps = false): string {
  const { from, record } = fetchedRecord(text)
  return recordLine({ ...from, record }, { timestamps })
}

const anywhere = { topic: undefined, partition: undefined }

describe('a record as JSON', () => {
  it('is one line, its value as it stands, so that no number is rounded', () => {
    expect(lineOf({ key: 'u1', value: '{"id":9007199254740993,"x":1.10}' })).toBe(
      '{"topic":"orders","partition":1,"offset":41,"key":"u1",' +
        '"value":{"id":9007199254740993,"x":1.10},"headers":{}}',
    )
    expect(lineOf({ value: 'x' }, true)).toContain('"timestamp":1700000000123')
  })

  it.each([
    [null, 'null'],
    ['', '""'],
    ['hello', '"hello"'],
    ['null', '"null"'],
    ['"text"', '"\\"text\\""'],
    ['12345678901234567890', '12345678901234567890'],
    ['true', 'true'],
    ['truth', '"truth"'],
    ['007', '"007"'],
    [' 7', '" 7"'],
    ['7\n', '"7\\n"'],
    ['{"a":', '"{\\"a\\":"'],
    ['[1,\n  {"a b": "c\\n  d"}\n]', '[1,{"a b":"c\\n  d"}]'],
    ['a\nb', '"a\\nb"'],
  ])('has a value of %j as %s', (value, text) => {
    expect(lineOf({ value })).toContain(`"value":${text},`)
  })

  it('has keys as text, unless they are objects or lists', () => {
    expect(lineOf({ key: '42' })).toContain('"key":"42"')
    expect(lineOf({ key: '{"id":1}' })).toContain('"key":{"id":1}')
  })

  it('has several headers of one name as a list', () => {
    const headers = [
      ['b', '1'],
      ['10', null],
      ['b', '2'],
    ] as const
    expect(lineOf({ headers })).toContain('"headers":{"b":["1","2"],"10":null}')
  })

  it('has bytes that are no text as base64 and says so', () => {
    const line = lineOf({
      key: Buffer.of(0xff),
      value: Buffer.of(0xfe, 0),
      headers: [['h', Buffer.of(0x80)]],
    })
    expect(JSON.parse(line)).toMatchObject({
      key: '/w==',
      value: '/gA=',
      headers: { h: 'gA==' },
      keyEncoding: 'base64',
      valueEncoding: 'base64',
      headersEncoding: 'base64',
    })
  })

  it('comes back as the same bytes', () => {
    const data = fc.oneof(
      fc.constant(null),
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ maxLength: 20 }),
      fc.json().filter((text) => !/[\n\r]/.test(text)),
      fc.bigInt().map(String),
    )
    // Names that come twice lose their place between the others, so each comes once.
    const headers = fc.uniqueArray(fc.tuple(fc.string(), data), { selector: ([name]) => name })
    fc.assert(
      fc.property(data, data, headers, fc.nat(), (key, value, all, timestamp) => {
        const text = { key, value, headers: all, timestamp }
        const { record } = fetchedRecord(text)
        const read = parseRecordLine(lineOf(text, true), anywhere)
        const buffer = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString('hex')
        expect(read).toMatchObject({ topic: 'orders', partition: 1, timestamp })
        expect(buffer(read.key)).toBe(buffer(record.key))
        expect(buffer(read.value)).toBe(buffer(record.value))
        expect(read.headers?.map((header) => [header.key, buffer(header.value)])).toEqual(
          record.headers.map((header) => [header.key, buffer(header.value)]),
        )
      }),
    )
  })

  it('is sent where the command says, else where the line says', () => {
    const line = '{"topic":"a","partition":3,"value":1}'
    expect(parseRecordLine(line, anywhere)).toMatchObject({ topic: 'a', partition: 3 })
    const there = { topic: 'b', partition: 0 }
    expect(parseRecordLine(line, there)).toMatchObject({ topic: 'b', partition: 0 })
  })

  it('takes what people write: numbers as keys, no headers, blanks', () => {
    const { key, value } = parseRecordLine(' { "key" : 7, "value" : { "id": 1.0 } } ', {
      topic: 't',
      partition: undefined,
    })
    expect([String(key), String(value)]).toEqual(['7', '{ "id": 1.0 }'])
  })

  it.each([
    ['[]', 'an object was expected'],
    ['{"value":1', /JSON/],
    ['{"key":1}', 'there is no "value"'],
    ['{"value":1}', 'there is no "topic", and none is given'],
    ['{"topic":"t","value":1,"vlaue":2}', '"vlaue" is no part of a record'],
    ['{"topic":7,"value":1}', '"topic" is no string'],
    ['{"topic":"t","partition":1.5,"value":1}', '"partition" is 1.5: a whole number is needed'],
    ['{"topic":"t","value":"%","valueEncoding":"base64"}', '"%" is not base64'],
    [
      '{"topic":"t","value":"a","valueEncoding":"hex"}',
      '"valueEncoding" is "hex": only base64 is known',
    ],
  ])('refuses %s', (line, message) => {
    expect(() => parseRecordLine(line, anywhere)).toThrow(message)
  })
})
