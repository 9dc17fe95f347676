import type { Uuid } from '../../base/uuid.ts'
import type { RecordOrigin } from '../effect.ts'
import type { GroupRecord, OffsetCommitValue } from './group-records.ts'

export interface CommittedOffset {
  readonly committedOffset: number
  /** -1: not known. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
  /** -1: expires by the group's rule. */
  readonly expireTimestampMs: number
  /** Zero: not known. */
  readonly topicId: Uuid
  /** Where its record stands: of two commits the later record counts, whatever the marker order. */
  readonly recordOffset: number
}

/** Offsets by group, topic and partition. Only what has offsets has an entry at any level. */
class OffsetTable<Value> {
  readonly #groups = new Map<string, Map<string, Map<number, Value>>>()

  get(groupId: string, topic: string, partition: number): Value | undefined {
    return this.#groups.get(groupId)?.get(topic)?.get(partition)
  }

  set(groupId: string, topic: string, partition: number, value: Value): void {
    const topics = getOrAdd(this.#groups, groupId, () => new Map<string, Map<number, Value>>())
    getOrAdd(topics, topic, () => new Map<number, Value>()).set(partition, value)
  }

  delete(groupId: string, topic: string, partition: number): void {
    const topics = this.#groups.get(groupId)
    const partitions = topics?.get(topic)
    if (!topics || !partitions?.delete(partition)) return
    if (partitions.size > 0) return
    topics.delete(topic)
    if (topics.size === 0) this.#groups.delete(groupId)
  }

  has(groupId: string): boolean {
    return this.#groups.has(groupId)
  }

  topics(groupId: string): ReadonlyMap<string, ReadonlyMap<number, Value>> {
    return this.#groups.get(groupId) ?? new Map()
  }

  groupIds(): IterableIterator<string> {
    return this.#groups.keys()
  }

  *entries(): IterableIterator<{
    groupId: string
    topic: string
    partition: number
    value: Value
  }> {
    for (const [groupId, topics] of this.#groups) {
      for (const [topic, partitions] of topics) {
        for (const [partition, value] of partitions) yield { groupId, topic, partition, value }
      }
    }
  }
}

/**
 * The offsets that groups committed, and those that wait for the end of a transaction. Changes
 * only by replaying records and markers.
 */
export class GroupOffsets {
  readonly committed = new OffsetTable<CommittedOffset>()
  /** By producer id. */
  readonly #pending = new Map<number, OffsetTable<CommittedOffset>>()
  /** The producers that have a commit pending for a partition. */
  readonly #open = new OffsetTable<Set<number>>()

  hasPending(groupId: string, topic: string, partition: number): boolean {
    return this.#open.get(groupId, topic, partition) !== undefined
  }

  hasOpenTransaction(groupId: string): boolean {
    return this.#open.has(groupId)
  }

  replay(
    key: { readonly group: string; readonly topic: string; readonly partition: number },
    value: OffsetCommitValue | null,
    origin: RecordOrigin,
  ): void {
    const { group, topic, partition } = key
    if (value === null) this.#remove(group, topic, partition)
    else if (origin.producerId < 0) {
      this.committed.set(group, topic, partition, committedOffset(value, origin))
    } else this.#setPending(group, topic, partition, value, origin)
  }

  #setPending(
    groupId: string,
    topic: string,
    partition: number,
    value: OffsetCommitValue,
    origin: RecordOrigin,
  ): void {
    const pending = getOrAdd(this.#pending, origin.producerId, () => new OffsetTable())
    pending.set(groupId, topic, partition, committedOffset(value, origin))
    const producers = this.#open.get(groupId, topic, partition)
    if (producers) producers.add(origin.producerId)
    else this.#open.set(groupId, topic, partition, new Set([origin.producerId]))
  }

  /** A deleted offset is not brought back by a transaction that was open when it was deleted. */
  #remove(groupId: string, topic: string, partition: number): void {
    this.committed.delete(groupId, topic, partition)
    for (const producerId of this.#open.get(groupId, topic, partition) ?? []) {
      this.#pending.get(producerId)?.delete(groupId, topic, partition)
    }
    this.#open.delete(groupId, topic, partition)
  }

  /** The end of a transaction: its offsets become the group's, or never were. */
  replayMarker(producerId: number, result: 'commit' | 'abort'): void {
    const pending = this.#pending.get(producerId)
    if (!pending) return
    this.#pending.delete(producerId)
    for (const { groupId, topic, partition, value } of pending.entries()) {
      const producers = this.#open.get(groupId, topic, partition)
      producers?.delete(producerId)
      if (producers?.size === 0) this.#open.delete(groupId, topic, partition)
      if (result === 'abort') continue
      const current = this.committed.get(groupId, topic, partition)
      if (current && current.recordOffset > value.recordOffset) continue
      this.committed.set(groupId, topic, partition, value)
    }
  }

  /** Tombstones for everything a group stored, also what is pending. */
  tombstones(groupId: string): GroupRecord[] {
    const records: GroupRecord[] = []
    for (const [topic, partitions] of this.committed.topics(groupId)) {
      for (const partition of partitions.keys()) records.push(tombstone(groupId, topic, partition))
    }
    for (const [topic, partitions] of this.#open.topics(groupId)) {
      for (const partition of partitions.keys()) {
        if (!this.committed.get(groupId, topic, partition)) {
          records.push(tombstone(groupId, topic, partition))
        }
      }
    }
    return records
  }

  /** Tombstones for everything stored of topics that `isDeleted`. */
  tombstonesOfTopics(isDeleted: (topic: string, topicId: Uuid) => boolean): GroupRecord[] {
    const deleted = new OffsetTable<true>()
    for (const table of [this.committed, ...this.#pending.values()]) {
      for (const { groupId, topic, partition, value } of table.entries()) {
        if (isDeleted(topic, value.topicId)) deleted.set(groupId, topic, partition, true)
      }
    }
    return Array.from(deleted.entries(), ({ groupId, topic, partition }) =>
      tombstone(groupId, topic, partition),
    )
  }
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

function committedOffset(value: OffsetCommitValue, origin: RecordOrigin): CommittedOffset {
  return {
    committedOffset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: value.expireTimestamp,
    topicId: value.topicId,
    recordOffset: origin.offset,
  }
}

export function tombstone(group: string, topic: string, partition: number): GroupRecord {
  return { type: 'OffsetCommit', key: { group, topic, partition }, value: null }
}
