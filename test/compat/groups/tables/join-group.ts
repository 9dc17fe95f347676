import { JoinGroup } from '../../../../src/protocol/apis/11-join-group.ts'
import type { GroupQuestions } from '../group-questions.ts'

/** groups.md section 3: "JoinGroup, checks in order", "Known member by state", "Static rejoin". */
export async function joinGroup(talk: GroupQuestions): Promise<void> {
  const metadata = talk.subscription('t')
  talk.rule('INVALID_GROUP_ID: the group id is empty')
  await talk.join('')
  talk.rule('INVALID_SESSION_TIMEOUT: outside the range of the broker')
  await talk.join('j', { sessionTimeoutMs: 5_999 })
  await talk.join('j', { sessionTimeoutMs: 1_800_001 })
  talk.rule('UNKNOWN_MEMBER_ID: the group is unknown and the member says it has an id')
  await talk.join('j', { memberId: 'somebody' })
  talk.rule('INCONSISTENT_GROUP_PROTOCOL: an empty group needs a type and a protocol')
  await talk.join('j', { protocolType: '' }, { v: 3 })
  await talk.join('j', { protocols: [] }, { v: 3 })
  talk.rule('MEMBER_ID_REQUIRED from version 4 on')
  for (const v of [4, 5, 6, 7, 8, 9]) await talk.join(`j-required-${v}`, {}, { v })
  talk.rule('below, the member is added with a generated id')
  for (const v of [0, 1, 2, 3]) await talk.join(`j-added-${v}`, {}, { v })
  talk.rule('the id that was given joins')
  for (const v of [4, 5, 6, 7, 8]) {
    const { memberId } = await talk.join(`j-given-${v}`, {}, { v })
    await talk.join(`j-given-${v}`, { memberId }, { v })
  }
  const { memberId: given } = await talk.join('j-given')
  await talk.join('j-given', { memberId: given })
  talk.rule('UNKNOWN_MEMBER_ID: a group with members does not know the id')
  await talk.join('j-given', { memberId: 'somebody' })
  talk.rule('INCONSISTENT_GROUP_PROTOCOL: other type, or nothing in common')
  await talk.join('j-given', { protocolType: 'connect' }, { v: 3 })
  await talk.join('j-given', { protocols: [{ name: 'other', metadata }] }, { v: 3 })
  talk.rule('a new instance is added without being asked to come again')
  const instance = { groupInstanceId: 'i' }
  await talk.join('j-static', instance)
  talk.rule('UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID: the instance is unknown, or another member')
  const old = await talk.stable('j-fenced', { groupInstanceId: 'i' })
  await talk.join('j-fenced', { ...old, groupInstanceId: 'nobody' })
  await talk.join('j-fenced', { memberId: 'somebody', groupInstanceId: 'i' })

  await knownMembers(talk)
  await staticRejoin(talk)
}

async function knownMembers(talk: GroupQuestions): Promise<void> {
  const metadata = talk.subscription('t', 'u')
  const first = await talk.joined('j-known')
  talk.rule('CompletingRebalance: the same protocols get the current generation again')
  await talk.join('j-known', { memberId: first.memberId })
  talk.rule('CompletingRebalance: other metadata begin another rebalance')
  await talk.join('j-known', { memberId: first.memberId, protocols: [{ name: 'range', metadata }] })
  talk.rule('Stable: the leader begins another rebalance')
  const leader = await talk.stable('j-stable')
  await talk.join('j-stable', { memberId: leader.memberId })
  talk.rule('a second member is one more; the follower gets no list')
  const joining = talk.join('j-stable', {}, { v: 3, who: 'second' })
  await talk.until('j-stable', 'PreparingRebalance')
  const again = talk.joinRequest('j-stable', { memberId: leader.memberId })
  const leading = talk.quietly(JoinGroup, 9, again)
  const follower = await joining
  talk.say('what the leader is told', await leading)
  const { generationId } = follower
  const syncing = talk.sync(
    'j-stable',
    { memberId: follower.memberId, generationId },
    { who: 'second' },
  )
  await talk.sync('j-stable', {
    memberId: leader.memberId,
    generationId,
    assignments: [
      { memberId: leader.memberId, assignment: talk.assignment('t', [0]) },
      { memberId: follower.memberId, assignment: talk.assignment('t', [1]) },
    ],
  })
  await syncing
  talk.rule('Stable: a follower without news gets the current generation')
  await talk.join('j-stable', { memberId: follower.memberId })
}

async function staticRejoin(talk: GroupQuestions): Promise<void> {
  const instance = { groupInstanceId: 'i' }
  talk.rule('Stable: the instance comes back, and nothing is rebalanced')
  const old = await talk.stable('j-back', instance)
  await talk.join('j-back', instance, { v: 9 })
  await talk.stable('j-back-8', instance)
  await talk.join('j-back-8', instance, { v: 8 })
  await talk.stable('j-back-5', instance)
  await talk.join('j-back-5', instance, { v: 5 })
  talk.rule('FENCED_INSTANCE_ID: the one that it replaced')
  await talk.heartbeat('j-back', { ...old, ...instance })
  await talk.heartbeat('j-back', { ...old })
  talk.rule('Stable: the instance comes back with another protocol, which is a rebalance')
  await talk.stable('j-other', instance)
  const protocols = [{ name: 'sticky', metadata: talk.subscription('t') }]
  await talk.join('j-other', { ...instance, protocols })
  talk.rule('CompletingRebalance: the instance comes back, which is a rebalance')
  await talk.joined('j-completing', instance)
  await talk.join('j-completing', instance)
}
