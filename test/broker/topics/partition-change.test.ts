import { describe, expect, it } from 'vitest'
import { randomUuid } from '../../../src/base/uuid.ts'
import {
  type Election,
  type PartitionTarget,
  partitionChange,
} from '../../../src/broker/topics/partition-change.ts'
import { MetadataState } from '../../../src/storage/metadata-image.ts'
import type { PartitionImage } from '../../../src/storage/metadata-store.ts'

const topicId = randomUuid()

function partition(fields: Partial<PartitionImage>): PartitionImage {
  return {
    partition: 0,
    ...{ replicas: [1, 2, 3], isr: [1, 2, 3], leader: 1, leaderEpoch: 0, partitionEpoch: 0 },
    ...{ addingReplicas: [], removingReplicas: [], eligibleLeaderReplicas: [], lastKnownElr: [] },
    ...{ directories: [], leaderRecoveryState: 0 },
    ...fields,
  }
}

/** What changes, without the names of the partition. */
function change(
  before: Partial<PartitionImage>,
  target: PartitionTarget,
  options: { live: number[]; election?: Election; minInsyncReplicas?: number; elr?: boolean },
) {
  const image = new MetadataState()
  if (options.elr !== false) image.features.set('eligible.leader.replicas.version', 1)
  const record = partitionChange(topicId, partition(before), target, {
    image,
    isLive: (id) => options.live.includes(id),
    minInsyncReplicas: options.minInsyncReplicas ?? 1,
    election: options.election ?? 'online',
  })
  if (!record) return undefined
  const { partitionId: _p, topicId: _t, ...fields } = record.value as Record<string, unknown>
  return fields
}

/** Each of them was seen on three brokers of Apache Kafka 4.3.1. */
describe('a change of a partition', () => {
  it('moves the leader to the first of the replicas that is in sync', () => {
    const before = { replicas: [2, 3, 1], isr: [2, 3, 1], leader: 2 }
    expect(change(before, { isr: [3, 1] }, { live: [1, 3] })).toEqual({ isr: [3, 1], leader: 3 })
  })

  it('leaves the leader where it is when another replica goes', () => {
    expect(change({}, { isr: [1, 3] }, { live: [1, 3] })).toEqual({ isr: [1, 3] })
  })

  it('remembers the last one in sync, which alone may lead again', () => {
    const alone = { replicas: [2, 3], isr: [3], leader: 3 }
    const gone = change(alone, { isr: [] }, { live: [1] })
    const elr = { eligibleLeaderReplicas: [3], lastKnownElr: [3] }
    expect(gone).toEqual({ isr: [], leader: -1, ...elr })
    const leaderless = { replicas: [2, 3], isr: [], leader: -1, ...elr }
    expect(change(leaderless, {}, { live: [1, 2] })).toBeUndefined()
    expect(change(leaderless, {}, { live: [1, 3] })).toEqual({
      ...{ isr: [3], leader: 3, eligibleLeaderReplicas: [], lastKnownElr: [] },
    })
  })

  it('keeps the last one in sync where there are no eligible replicas', () => {
    const alone = { replicas: [2, 3], isr: [3], leader: 3 }
    expect(change(alone, { isr: [] }, { live: [1], elr: false })).toEqual({ leader: -1 })
  })

  it('remembers those that leave while there are too few', () => {
    const before = { isr: [1, 2] }
    const options = { live: [1, 3], minInsyncReplicas: 2 }
    expect(change(before, { isr: [1] }, options)).toEqual({ isr: [1], eligibleLeaderReplicas: [2] })
  })

  it('elects a replica that is not in sync when asked to, and that one alone is then', () => {
    const leaderless = { replicas: [2, 3], isr: [], leader: -1, eligibleLeaderReplicas: [2] }
    const options = { live: [3], election: 'unclean' as const }
    expect(change(leaderless, {}, options)).toEqual({
      ...{ isr: [3], leader: 3, eligibleLeaderReplicas: [] },
    })
  })

  it('elects the first replica when asked to, if that is in sync', () => {
    const elsewhere = { leader: 2 }
    const preferred = { election: 'preferred' } as const
    expect(change(elsewhere, {}, { live: [1, 2, 3], ...preferred })).toEqual({ leader: 1 })
    expect(change(elsewhere, {}, { live: [2, 3], ...preferred })).toBeUndefined()
  })

  it('completes a move when all that come are in sync', () => {
    const target = {
      ...{ replicas: [3, 1, 2], isr: [1, 2, 3] },
      ...{ addingReplicas: [3], removingReplicas: [2] },
    }
    const before = { replicas: [1, 2], isr: [1, 2] }
    // The leader stays; readers of the replica that is gone learn of it by a new epoch.
    expect(change(before, target, { live: [1, 2, 3] })).toMatchObject({
      ...{ replicas: [3, 1], isr: [1, 3], leader: 1 },
    })
    const waits = change(before, { ...target, isr: [1, 2] }, { live: [1, 2] })
    expect(waits).toMatchObject({
      ...{ replicas: [3, 1, 2], addingReplicas: [3], removingReplicas: [2] },
    })
    expect(waits).not.toHaveProperty('isr')
  })
})
