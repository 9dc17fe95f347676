import type { GroupQuestions } from '../group-questions.ts'

/** groups.md section 4: OffsetCommit and OffsetFetch of classic groups. */
export async function offsets(talk: GroupQuestions): Promise<void> {
  await commit(talk)
  await fetch(talk)
}

async function commit(talk: GroupQuestions): Promise<void> {
  talk.rule(
    'OffsetCommit UNKNOWN_TOPIC_ID from v10 on, UNKNOWN_TOPIC_OR_PARTITION below and for partitions',
  )
  await talk.commit('c', { topic: 'unknown' })
  for (const v of [2, 5, 8, 9]) await talk.commit('c', { topic: 'unknown' }, { v })
  for (const v of [2, 9, 10]) await talk.commit('c', { partitions: [0, 7] }, { v })
  talk.rule('OffsetCommit to an unknown group makes a simple one, in every version')
  for (const v of [2, 3, 4, 5, 6, 7, 8, 9, 10]) await talk.commit(`c-${v}`, {}, { v })
  await talk.list('c-')
  talk.rule('OffsetCommit of an empty group id')
  await talk.commit('')
  talk.rule(
    'OffsetCommit to an unknown group: GROUP_ID_NOT_FOUND from v9 on, ILLEGAL_GENERATION below',
  )
  const facts = { generationIdOrMemberEpoch: 0, memberId: 'm' }
  for (const v of [2, 8, 9, 10]) await talk.commit('c-unknown', facts, { v })
  talk.rule(
    'OffsetCommit to an empty group: without a generation accepted, with one UNKNOWN_MEMBER_ID',
  )
  await talk.commit('c-2', { memberId: 'm' })
  for (const v of [2, 8, 9, 10]) await talk.commit('c-2', facts, { v })
  talk.rule('OffsetCommit UNKNOWN_MEMBER_ID: the group has members and this is none')
  const member = await talk.stable('c-member')
  const of = (place: { memberId: string; generationId: number }) => ({
    memberId: place.memberId,
    generationIdOrMemberEpoch: place.generationId,
  })
  await talk.commit('c-member')
  await talk.commit('c-member', { ...of(member), memberId: 'm' })
  await talk.commit('c-member', { memberId: member.memberId })
  talk.rule('OffsetCommit ILLEGAL_GENERATION')
  for (const v of [2, 9, 10]) {
    await talk.commit('c-member', { ...of(member), generationIdOrMemberEpoch: 2 }, { v })
  }
  await talk.commit('c-member', { ...of(member), generationIdOrMemberEpoch: 0 })
  talk.rule('OffsetCommit UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID')
  const fixed = await talk.stable('c-static', { groupInstanceId: 'i' })
  await talk.commit('c-static', { ...of(fixed), groupInstanceId: 'nobody' })
  await talk.commit('c-static', { ...of(fixed), memberId: 'm', groupInstanceId: 'i' })
  talk.rule('OffsetCommit REBALANCE_IN_PROGRESS: CompletingRebalance')
  const completing = await talk.joined('c-completing')
  await talk.commit('c-completing', of(completing))
  talk.rule('OffsetCommit NONE: Stable, and PreparingRebalance')
  for (const v of [2, 6, 7, 9, 10]) await talk.commit('c-member', of(member), { v })
  void talk.joined('c-member', {}, 'second').catch(() => {})
  await talk.until('c-member', 'PreparingRebalance')
  await talk.commit('c-member', { ...of(member), offset: 8 })
  talk.rule('OFFSET_METADATA_TOO_LARGE: more than 4096 characters')
  await talk.commit('c', { metadata: 'm'.repeat(4097) })
  await talk.commit('c', { metadata: '\u00e9'.repeat(4096) })
  await talk.commit('c', { metadata: null })
  talk.rule('Negative offsets are taken as they are')
  await talk.commit('c', { offset: -5 })
  await talk.fetch('c')
}

async function fetch(talk: GroupQuestions): Promise<void> {
  talk.rule('OffsetFetch of an unknown group, and of what nobody committed: no error, -1')
  for (const v of [1, 2, 5, 6, 7, 8, 9, 10]) {
    await talk.fetch('f-unknown', { topics: { t: [0, 7] } }, { v })
    if (v >= 2) await talk.fetch('f-unknown', { topics: null }, { v })
  }
  await talk.commit('f', { metadata: 'note' })
  talk.rule('OffsetFetch in every version')
  for (const v of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
    await talk.fetch('f', { topics: { t: [0, 1, 7] } }, { v })
    if (v >= 2) await talk.fetch('f', { topics: null }, { v })
  }
  talk.rule('OffsetFetch of an empty group id')
  await talk.fetch('', {}, { v: 5 })
  await talk.fetch('')
  talk.rule('OffsetFetch UNKNOWN_TOPIC_ID from v10 on; below, what nobody committed')
  await talk.fetch('f', { topics: { unknown: [0] } })
  await talk.fetch('f', { topics: { unknown: [0] } }, { v: 9 })
  talk.rule('OffsetFetch of a classic group does not look at member and epoch')
  const member = await talk.stable('f-classic')
  await talk.fetch('f-classic', { memberId: 'm', memberEpoch: 5 })
  await talk.fetch('f-classic', { memberId: member.memberId, memberEpoch: 0 })
  await talk.fetch('f-classic', { memberId: null, memberEpoch: 5 })
  await talk.fetch('f-unknown', { memberId: 'm', memberEpoch: 5 })
  await talk.fetch('f-unknown', { memberId: null, memberEpoch: 5 })
}
