import { describe, expect, it } from 'vitest'
import { RecordReader } from '../../../src/cli/commands/record-reader.ts'
import type { OutgoingRecord } from '../../../src/client/producer.ts'

const orders = { topic: 'orders', partition: undefined }

function text({ key, value, partition, timestamp, headers = [] }: OutgoingRecord): string {
  const more = headers.map((header) => `${header.key}:${header.value}`)
  return [key, value, partition, timestamp, ...more].map(String).join(' ')
}

/** Fed in pieces of every size, the records must always be the same. */
function readAll(template: string, input: string | Buffer, destination = orders): string[] {
  const bytes = Buffer.from(input)
  let expected: string[] | undefined
  for (let size = 1; size <= Math.max(1, bytes.length); size++) {
    const reader = new RecordReader(template, destination)
    const records: OutgoingRecord[] = []
    for (let at = 0; at < bytes.length; at += size) {
      records.push(...reader.push(bytes.subarray(at, at + size)))
    }
    records.push(...reader.end())
    expected ??= records.map(text)
    expect(records.map(text)).toEqual(expected)
  }
  return expected ?? []
}

const plain = (...pairs: [string | null, string][]) =>
  pairs.map(([key, value]) => `${key} ${value} undefined undefined`)

describe('reading records by a format', () => {
  it('takes a line as a value, also the last without an end', () => {
    expect(readAll('%v\\n', 'a\n\nb c')).toEqual(plain([null, 'a'], [null, ''], [null, 'b c']))
    expect(readAll('%v\\n', '')).toEqual([])
  })

  it('takes text up to what follows it', () => {
    expect(readAll('%k=%v;', 'a=1;b=2=3;')).toEqual(plain(['a', '1'], ['b', '2=3']))
  })

  it('takes text by the size in front of it, or in the braces', () => {
    expect(readAll('%K{big16}%k%V{byte}%v', '\0\x01a\x03\n;=\0\0\0')).toEqual(
      plain(['a', '\n;='], ['', '']),
    )
    expect(readAll('%K %k%v{2}\\n', '3 abcde\n')).toEqual(plain(['abc', 'de']))
  })

  it('takes encoded text', () => {
    expect(readAll('%k{hex} %v{base64}\\n', '6131 aGk=\n')).toEqual(plain(['a1', 'hi']))
    expect(readAll('%v{json}\\n', '"a\\nb"\n')).toEqual(plain([null, 'a\nb']))
  })

  it('takes topic, partition, time and headers', () => {
    const destination = { topic: undefined, partition: undefined } as unknown as typeof orders
    expect(readAll('%t %p %d %v\\n', 'x 3 17 hi\n', destination)).toEqual(['null hi 3 17'])
    expect(readAll('%v %H %h{%k:%v,}\\n', 'hi 2 a:1,b:,\n')).toEqual([
      'null hi undefined undefined a:1 b:',
    ])
  })

  it.each([
    ['%v{hex}\\n', 'xy\n', "'xy' is not hex"],
    ['%p %v\\n', 'a b\n', "a number was expected, not ''"],
    ['<%v>', '<a>b', "'<' was expected where 'b' is"],
    ['%K{big32}%k', '\0\0\0\x05abc', 'the input ends inside a record'],
  ])('by %s refuses %j', (template, input, message) => {
    expect(() => readAll(template, input)).toThrow(message)
  })

  it.each([
    ['', 'the format is empty'],
    ['%k%v\\n', "'%k' in the format: its size, or some text, has to follow"],
    ['%o %v\\n', "'%o' in the format cannot be read from input"],
    ['%h\\n', "'%h' needs a format in braces"],
    ['%v{unpack[i]}', 'no such way to read text'],
  ])('has no use for %j', (template, message) => {
    expect(() => new RecordReader(template, orders)).toThrow(message)
  })
})
