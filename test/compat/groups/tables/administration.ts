import { DeleteGroups } from '../../../../src/protocol/apis/42-delete-groups.ts'
import type { GroupQuestions } from '../group-questions.ts'

/** groups.md sections 4 and 5: OffsetDelete, DeleteGroups, DescribeGroups and ListGroups. */
export async function administration(talk: GroupQuestions): Promise<void> {
  await deletions(talk)
  await describe(talk)
  await list(talk)
}

async function deletions(talk: GroupQuestions): Promise<void> {
  talk.rule('OffsetDelete INVALID_GROUP_ID, GROUP_ID_NOT_FOUND')
  await talk.deleteOffsets('', { t: [0] })
  await talk.deleteOffsets('d-unknown', { t: [0] })
  await talk.deleteOffsets('d-unknown', { unknown: [0] })
  talk.rule('OffsetDelete NON_EMPTY_GROUP: members of another type')
  const protocols = [{ name: 'default', metadata: Buffer.from('x') }]
  await talk.stable('d-connect', { protocolType: 'connect', protocols })
  await talk.deleteOffsets('d-connect', { t: [0] })
  talk.rule('OffsetDelete GROUP_SUBSCRIBED_TO_TOPIC, and what is not subscribed')
  const member = await talk.stable('d')
  const committer = { memberId: member.memberId, generationIdOrMemberEpoch: 1 }
  await talk.commit('d', committer)
  await talk.commit('d', { ...committer, topic: 'u' })
  await talk.deleteOffsets('d', { t: [0], u: [0, 7], unknown: [0] })
  await talk.fetch('d', { topics: { t: [0], u: [0] } })
  talk.rule('OffsetDelete of an empty group: also what is not there')
  await talk.commit('d-simple')
  await talk.deleteOffsets('d-simple', { t: [0, 1] })
  await talk.fetch('d-simple')
  await talk.deleteOffsets('d-simple', {})
  // What has no name has no tag: another conversation may have made it.
  await talk.quietly(DeleteGroups, 2, { groupsNames: [''] })
  talk.rule('DeleteGroups GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, and the empty id')
  for (const v of [0, 1, 2]) await talk.deleteGroups(['d-unknown', 'd', ''], v)
  talk.rule('DeleteGroups NONE')
  for (const v of [0, 1, 2]) {
    await talk.commit(`d-${v}`)
    await talk.deleteGroups([`d-${v}`, `d-${v}`], v)
    await talk.fetch(`d-${v}`)
  }
  await talk.deleteGroups([])
}

async function describe(talk: GroupQuestions): Promise<void> {
  talk.rule('DescribeGroups of what is not there: GROUP_ID_NOT_FOUND from v6 on')
  for (const v of [0, 1, 2, 3, 4, 5, 6]) await talk.describe(['b-unknown', ''], v)
  await talk.enter('b-consumer', 'm')
  talk.rule('DescribeGroups of a consumer group')
  await talk.describe(['b-consumer'], 5)
  await talk.describe(['b-consumer'], 6)
  talk.rule('DescribeGroups in every version: Stable')
  await talk.stable('b')
  for (const v of [0, 1, 2, 3, 4, 5, 6]) await talk.describe(['b'], v)
  await talk.describe(['b', 'b-unknown'], 6, true)
  await talk.stable('b-static', { groupInstanceId: 'i' })
  await talk.describe(['b-static'], 4)
  talk.rule('DescribeGroups: CompletingRebalance, PreparingRebalance, Empty, and a simple one')
  await talk.joined('b-completing')
  await talk.describe(['b-completing'])
  void talk.joined('b', {}, 'other').catch(() => {})
  await talk.until('b', 'PreparingRebalance')
  await talk.describe(['b'])
  const { memberId } = await talk.stable('b-empty')
  await talk.leave('b-empty', [{ memberId }])
  await talk.commit('b-simple')
  await talk.describe(['b-empty', 'b-simple'])
  await talk.describe([])
}

async function list(talk: GroupQuestions): Promise<void> {
  talk.rule('ListGroups in every version')
  for (const v of [0, 1, 2, 3, 4, 5]) await talk.list('b', {}, v)
  talk.rule('ListGroups by state, in any case of letters; what no state or type is called')
  await talk.list('b', { statesFilter: ['Stable'] }, 4)
  await talk.list('b', { statesFilter: ['stable', 'EMPTY'] })
  await talk.list('b', { statesFilter: ['PreparingRebalance', 'CompletingRebalance'] })
  await talk.list('b', { statesFilter: ['nonsense'] })
  await talk.list('b', { statesFilter: ['Dead'] })
  talk.rule('ListGroups by type')
  await talk.list('b', { typesFilter: ['classic'] })
  await talk.list('b', { typesFilter: ['CONSUMER'] })
  await talk.list('b', { typesFilter: ['share', 'streams'] })
  await talk.list('b', { typesFilter: ['nonsense'] })
  await talk.list('b', { typesFilter: ['consumer'], statesFilter: ['stable'] })
}
