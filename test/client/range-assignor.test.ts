import { describe, expect, it } from 'vitest'
import { assignRanges } from '../../src/client/range-assignor.ts'

const shown = (assigned: ReturnType<typeof assignRanges>) =>
  Object.fromEntries(
    [...assigned].map(([member, partitions]) => [
      member,
      partitions.map(({ topic, partition }) => `${topic}${partition}`).join(' '),
    ]),
  )

describe('the range assignor', () => {
  it('gives the first members one partition more, topic by topic', () => {
    const members = ['b', 'a'].map((memberId) => ({ memberId, topics: ['t', 's'] }))
    const assigned = assignRanges(
      members,
      new Map([
        ['t', 3],
        ['s', 1],
      ]),
    )
    expect(shown(assigned)).toEqual({ a: 's0 t0 t1', b: 't2' })
  })

  it('leaves out members that do not subscribe, and lets some have nothing', () => {
    const members = [
      { memberId: 'a', topics: ['t'] },
      { memberId: 'b', topics: ['s'] },
      { memberId: 'c', topics: ['s', 't'] },
    ]
    const assigned = assignRanges(
      members,
      new Map([
        ['t', 1],
        ['s', 2],
      ]),
    )
    expect(shown(assigned)).toEqual({ a: 't0', b: 's0', c: 's1' })
  })
})
