import { describe, expect, it } from 'vitest'
import { recordFormat } from '../../../src/cli/commands/record-format.ts'
import { fetchedRecord } from './record.ts'

const shown = fetchedRecord(
  {
    key: 'u1',
    value: 'hello',
    headers: [
      ['a', 'x'],
      ['b', null],
    ],
  },
  {
    partitionLeaderEpoch: 4,
    producerId: 9,
    producerEpoch: 2,
    baseSequence: 0,
    compression: 'gzip',
  },
)
const format = (template: string) => recordFormat(template)(shown).toString('latin1')

describe('a format', () => {
  it.each([
    ['%t[%p]@%o %k=%v\\n', 'orders[1]@41 u1=hello\n'],
    ['%T %K %V %H %e %x %y %i', '6 2 5 2 4 9 2 3'],
    ['%[ %| %]', '7 49 50'],
    ['%s %S', 'hello 5'],
    ['%%%{%}\\t\\r\\\\\\x41', '%{}\t\r\\A'],
    ['%v{hex} %v{base64} %v{base64raw} %v{json}', '68656c6c6f aGVsbG8= aGVsbG8 "hello"'],
    ['%o{hex16} %o{hex8} %o{hex4}', '0029 29 9'],
    ['%V{big32}%V{little16}%V{byte}%V{big8}', '\0\0\0\x05\x05\0\x05\x05'],
    ['%V{bool} %V{ascii} %x{hex64}', 'true 5 0000000000000009'],
    ['%d', '1700000000123'],
    ['%d{strftime[%F %T.%L]}', '2023-11-14 22:13:20.123'],
    ['%d{go[2006-01-02T15:04:05.000Z07:00]}', '2023-11-14T22:13:20.123Z'],
    [
      '%d{go[Mon Jan _2 3:04:05.999999PM MST 06, -0700]}',
      'Tue Nov 14 10:13:20.123PM UTC 23, +0000',
    ],
    ['%d{strftime##[%j]##} %d{strftime{%a %b %e %Y}}', '[318] Tue Nov 14 2023'],
    ['%h', 'a=x,b='],
    ['%h{ %k:%v{hex}%V}', ' a:781 b:0'],
    ['%a{compression} %a{compression;number} %a{timestamp-type}', 'gzip 1 0'],
    ['%a{transactional-bit;bool} %a{control-bit}', 'false 0'],
    ['%v{unpack[cc$]}', 'heunpack: 3 bytes are left'],
    ['%v{unpack[<Hs]}', '25960llo'],
    ['%v{unpack[>Hxs]}', '26725lo'],
    ['%v{unpack[i.q]}', '1751477356ounpack: no 8 bytes are left for q'],
  ])('%s', (template, text) => {
    expect(format(template)).toBe(text)
  })

  it('prints nothing for null and shows numbers below zero in their bits', () => {
    const empty = fetchedRecord({})
    const text = recordFormat('[%k|%v|%V] %x{hex16} %x{big16}')(empty).toString('latin1')
    expect(text).toBe('[||0] ffff \xff\xff')
  })

  it('leaves bytes as they are', () => {
    const binary = fetchedRecord({ value: Buffer.of(0, 0xff, 10) })
    expect(recordFormat('%v')(binary)).toEqual(Buffer.of(0, 0xff, 10))
  })

  it.each([
    ['%', "the format ends with '%': write %% for one"],
    ['%q', "'%q' in the format is no letter of a record"],
    ['\\q', "'\\q' in the format"],
    ['%v{hex', "'{hex' in the format has no closing brace"],
    ['%v{hexx}', "'%v{hexx}': no such way to show text"],
    ['%o{hex7}', "'%o{hex7}': no such way to show a number"],
    ['%h{%o}', "'%o' in the format is no letter of a header"],
    ['%d{java[2006]}', "'%d{java[2006]}': use strftime[...], go[...]"],
    ['%d{strftime[%Q]}', "'%Q' is no letter of strftime here"],
    ['%v{unpack[z]}', "'z' is no letter of unpack"],
    ['%v{unpack[z}', 'the bracket is not closed'],
    ['%a', "'%a{}': use compression"],
  ])('%s is refused', (template, message) => {
    expect(() => recordFormat(template)).toThrow(message)
  })
})
