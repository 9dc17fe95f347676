import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type {
  Assignor,
  AssignorInput,
  AssignorMember,
} from '../../../../src/coordinator/group/assignors/assignor.ts'
import { rangeAssignor } from '../../../../src/coordinator/group/assignors/range-assignor.ts'
import { uniformAssignor } from '../../../../src/coordinator/group/assignors/uniform-assignor.ts'
import type { TargetPartitions } from '../../../../src/coordinator/group/partition-sets.ts'
import { topicIdOf } from '../test-topics.ts'

interface World {
  readonly topics: ReadonlyMap<string, number>
  readonly members: readonly AssignorMember[]
}

function input({ topics, members }: World): AssignorInput {
  const counts = new Map([...topics].map(([name, count]) => [topicIdOf(name), count]))
  return { members, partitionCount: (topicId) => counts.get(topicId) ?? 0 }
}

function member(memberId: string, topics: readonly string[], facts: Partial<AssignorMember> = {}) {
  const subscribedTopicIds = new Set(topics.map(topicIdOf))
  return { memberId, instanceId: null, subscribedTopicIds, assigned: new Map(), ...facts }
}

const names = ['a', 'b', 'c', 'd']

const anyTopics = fc
  .record(Object.fromEntries(names.map((name) => [name, fc.integer({ min: 0, max: 12 })])))
  .map((counts) => new Map(Object.entries(counts)))

/** Members with what they have been assigned so far, which may be out of date or overlap. */
const anyMembers = (subscriptions: fc.Arbitrary<string[]>) =>
  fc
    .array(
      fc.record({
        topics: subscriptions,
        assigned: fc.array(
          fc.tuple(fc.constantFrom(...names), fc.uniqueArray(fc.integer({ min: 0, max: 15 }))),
        ),
      }),
      { minLength: 1, maxLength: 8 },
    )
    .map((members) =>
      members.map(({ topics, assigned }, index) => {
        const had = new Map(
          assigned.map(([name, partitions]) => [
            topicIdOf(name),
            partitions.sort((one, other) => one - other),
          ]),
        )
        return member(`m${index}`, topics, { assigned: had })
      }),
    )

const sameTopics = fc
  .subarray(names, { minLength: 1 })
  .chain((topics) => anyMembers(fc.constant(topics)))
const otherTopics = anyMembers(fc.subarray(names))

function loads(targets: ReadonlyMap<string, TargetPartitions>): number[] {
  return [...targets.values()].map((target) =>
    [...target.values()].reduce((sum, partitions) => sum + partitions.length, 0),
  )
}

/** Every partition that somebody subscribes to goes to one of those, and to one only. */
function expectComplete(world: World, targets: ReadonlyMap<string, TargetPartitions>): void {
  const given = new Map<string, string>()
  for (const { memberId, subscribedTopicIds } of world.members) {
    for (const [topicId, partitions] of targets.get(memberId)!) {
      expect(subscribedTopicIds.has(topicId)).toBe(true)
      expect([...partitions].sort((one, other) => one - other)).toEqual(partitions)
      for (const partition of partitions) {
        const place = `${topicId} ${partition}`
        expect(given.has(place), place).toBe(false)
        given.set(place, memberId)
      }
    }
  }
  const { partitionCount } = input(world)
  const wanted = new Set(world.members.flatMap((one) => [...one.subscribedTopicIds]))
  const total = [...wanted].reduce((sum, topicId) => sum + partitionCount(topicId), 0)
  expect(given.size).toBe(total)
}

describe.each([
  ['uniform', uniformAssignor],
  ['range', rangeAssignor],
] as [string, Assignor][])('%s', (_name, assign) => {
  test('gives every partition to one subscriber', () => {
    fc.assert(
      fc.property(anyTopics, fc.oneof(sameTopics, otherTopics), (topics, members) => {
        const world = { topics, members }
        expectComplete(world, assign(input(world)))
      }),
    )
  })

  test('has nothing to give to nobody', () => {
    expect([...assign(input({ topics: new Map([['a', 3]]), members: [] }))]).toEqual([])
  })
})

describe('uniform', () => {
  test('gives everyone as many as everyone else, or one less, under the same subscription', () => {
    fc.assert(
      fc.property(anyTopics, sameTopics, (topics, members) => {
        const counts = loads(uniformAssignor(input({ topics, members })))
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('leaves nobody two behind another whose partitions it could take', () => {
    fc.assert(
      fc.property(anyTopics, otherTopics, (topics, members) => {
        const targets = uniformAssignor(input({ topics, members }))
        const counts = new Map(
          members.map(({ memberId }, index) => [memberId, loads(targets)[index]!]),
        )
        for (const rich of members) {
          for (const [topicId] of targets.get(rich.memberId)!) {
            for (const poor of members) {
              if (!poor.subscribedTopicIds.has(topicId)) continue
              expect(counts.get(rich.memberId)! - counts.get(poor.memberId)!).toBeLessThan(2)
            }
          }
        }
      }),
    )
  })

  test('changes nothing when nothing has changed', () => {
    fc.assert(
      fc.property(anyTopics, fc.oneof(sameTopics, otherTopics), (topics, members) => {
        const first = uniformAssignor(input({ topics, members }))
        const settled = members.map((one) => ({ ...one, assigned: first.get(one.memberId)! }))
        expect(uniformAssignor(input({ topics, members: settled }))).toEqual(first)
      }),
    )
  })

  test('takes from the others only what a new member shall have', () => {
    fc.assert(
      fc.property(anyTopics, sameTopics, (topics, members) => {
        const first = uniformAssignor(input({ topics, members }))
        const settled = members.map((one) => ({ ...one, assigned: first.get(one.memberId)! }))
        const [{ subscribedTopicIds }] = members as [AssignorMember]
        const newcomer = { ...member('new', []), subscribedTopicIds }
        const targets = uniformAssignor(input({ topics, members: [...settled, newcomer] }))
        const moved = settled.reduce((sum, { memberId, assigned }) => {
          const target = targets.get(memberId)!
          const lost = [...assigned].flatMap(([topicId, partitions]) =>
            partitions.filter((partition) => !target.get(topicId)?.includes(partition)),
          )
          return sum + lost.length
        }, 0)
        expect(moved).toBe(loads(new Map([['new', targets.get('new')!]]))[0])
      }),
    )
  })
})

describe('range', () => {
  const topics = new Map([
    ['a', 3],
    ['c7', 7],
  ])

  test('cuts each topic into ranges, in the same order of members', () => {
    const members = ['m2', 'm1', 'm3'].map((memberId) => member(memberId, ['a', 'c7']))
    const targets = rangeAssignor(input({ topics, members }))
    expect(
      Object.fromEntries([...targets].map(([id, target]) => [id, [...target.values()]])),
    ).toEqual({
      m1: [[0], [0, 1, 2]],
      m2: [[1], [3, 4]],
      m3: [[2], [5, 6]],
    })
  })

  test('puts static members first, by their instance ids', () => {
    const members = [
      member('b', ['c7']),
      member('k', ['c7'], { instanceId: 'z9' }),
      member('z', ['c7'], { instanceId: 'a1' }),
    ]
    const targets = rangeAssignor(input({ topics, members }))
    expect([...targets].map(([id, target]) => [id, target.get(topicIdOf('c7'))])).toEqual([
      ['z', [0, 1, 2]],
      ['k', [3, 4]],
      ['b', [5, 6]],
    ])
  })

  test('counts only those who subscribe to a topic', () => {
    const members = [member('m1', ['a']), member('m2', ['a', 'c7']), member('m3', ['c7'])]
    const targets = rangeAssignor(input({ topics, members }))
    expect([...targets].map(([id, target]) => [id, ...target.values()])).toEqual([
      ['m1', [0, 1]],
      ['m2', [2], [0, 1, 2, 3]],
      ['m3', [4, 5, 6]],
    ])
  })
})
