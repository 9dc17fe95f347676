import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { elementsOf, membersOf, onOneLine } from '../../../src/cli/commands/json-text.ts'

describe('JSON as text', () => {
  it('comes apart into its members, each as it stands', () => {
    const text = ' { "a" : 1.0e3 , "b\\"c,{" : { "d" : [ 1 , "}]" ] } , "" : "x" } '
    expect(membersOf(text)).toEqual([
      { name: 'a', text: '1.0e3' },
      { name: 'b"c,{', text: '{ "d" : [ 1 , "}]" ] }' },
      { name: '', text: '"x"' },
    ])
    expect(membersOf('{}')).toEqual([])
    expect(elementsOf('[ 1, [2, 3], "a,b" ]')).toEqual(['1', '[2, 3]', '"a,b"'])
  })

  it('comes apart as it would be parsed', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        const members = membersOf(text).map(({ name, text: part }) => [name, JSON.parse(part)])
        expect(members).toEqual(Object.entries(JSON.parse(text)))
        expect(onOneLine(text)).not.toContain('\n')
        expect(JSON.parse(onOneLine(text))).toEqual(JSON.parse(text))
      }),
    )
  })
})
