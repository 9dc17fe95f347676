import { ClassicGroup } from './classic-group.ts'
import { ConsumerGroup, type ConsumerGroupRecord } from './consumer-group.ts'
import type { GroupMetadataValue, GroupRecord } from './group-records.ts'

type AnyGroup = ClassicGroup | ConsumerGroup

/** Which groups there are, and of what type: as the records of the log say. */
export class GroupRegister {
  readonly #groups = new Map<string, AnyGroup>()

  get byId(): ReadonlyMap<string, AnyGroup> {
    return this.#groups
  }

  get(groupId: string): AnyGroup | undefined {
    return this.#groups.get(groupId)
  }

  classic(groupId: string): ClassicGroup | undefined {
    const group = this.#groups.get(groupId)
    return group instanceof ClassicGroup ? group : undefined
  }

  /** Someone stores offsets who does not use membership. */
  openSimple(groupId: string, nowMs: number): void {
    if (!this.#groups.has(groupId)) this.#groups.set(groupId, new ClassicGroup(groupId, nowMs))
  }

  replay(record: Exclude<GroupRecord, { type: 'OffsetCommit' }>): void {
    if (record.type === 'GroupMetadata') {
      this.#replayClassic(record.key.group, record.value)
    } else if (record.type === 'ConsumerGroupMetadata' && record.value === null) {
      const { groupId } = record.key
      if (this.#groups.get(groupId) instanceof ConsumerGroup) this.#groups.delete(groupId)
    } else {
      this.#replayConsumer(record)
    }
  }

  #replayClassic(groupId: string, value: GroupMetadataValue | null): void {
    const group = this.classic(groupId)
    if (value !== null) {
      const classic = group ?? new ClassicGroup(groupId, value.currentStateTimestamp)
      this.#groups.set(groupId, classic)
      classic.replay(value)
    } else if (group) this.#groups.delete(groupId)
  }

  /** What is deleted of a group that is not there is deleted already. */
  #replayConsumer(record: ConsumerGroupRecord): void {
    const { groupId } = record.key
    const group = this.#groups.get(groupId)
    if (record.value === null) {
      if (group instanceof ConsumerGroup) group.replay(record)
    } else this.#consumerOrNew(groupId).replay(record)
  }

  /** A group that was known only by its offsets turns out to be one of consumers. */
  #consumerOrNew(groupId: string): ConsumerGroup {
    const known = this.#groups.get(groupId)
    if (known instanceof ConsumerGroup) return known
    const group = new ConsumerGroup(groupId)
    this.#groups.set(groupId, group)
    return group
  }
}
