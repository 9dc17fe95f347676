import { ConsumerChange } from './consumer-change.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './consumer-member.ts'
import type { GroupContext } from './group-context.ts'
import { canDowngrade, downgradeRecords } from './group-conversion.ts'
import type { GroupRecord } from './group-records.ts'

export interface Removal {
  readonly records: readonly GroupRecord[]
  /** Those who stay, when the group goes back to the classic protocol. */
  readonly downgraded: readonly ConsumerMember[] | undefined
}

/** Members leave or are fenced: another epoch, or a classic group of the classic ones left. */
export function planRemoval(
  group: ConsumerGroup,
  leaving: readonly ConsumerMember[],
  context: GroupContext,
  nowMs: number,
): Removal {
  const change = new ConsumerChange(group)
  const gone = new Set(leaving.map(({ memberId }) => memberId))
  const staying = change.members().filter(({ memberId }) => !gone.has(memberId))
  if (canDowngrade(staying, context)) {
    return { records: downgradeRecords(change, staying, context, nowMs), downgraded: staying }
  }
  for (const memberId of gone) change.remove(memberId)
  for (const { subscribedTopicRegex } of leaving) {
    const isUsed = change.regexSubscribers(subscribedTopicRegex) > 0
    if (!isUsed && group.regexes.has(subscribedTopicRegex)) change.forgetRegex(subscribedTopicRegex)
  }
  change.raiseEpoch(change.hashOfTopics(context.topics))
  return { records: change.records, downgraded: undefined }
}
