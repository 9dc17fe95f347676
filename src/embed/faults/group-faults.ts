import type { Broker } from '../../broker/broker.ts'
import { reply } from '../../coordinator/effect.ts'
import { ClassicGroup } from '../../coordinator/group/classic-group.ts'
import { sessionTimer } from '../../coordinator/group/classic-rebalance.ts'
import { ConsumerGroup } from '../../coordinator/group/consumer-group.ts'
import { type GroupCoordinator, RESIZE_TIMER } from '../../coordinator/group/group-coordinator.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'

/** Which member; any when nothing is given. */
export interface MemberMatch {
  readonly memberId?: string
  readonly clientId?: string
}

/** As when a member joins. */
export async function forceRebalance(broker: Broker, groupId: string): Promise<void> {
  const refusal = await submit<KafkaError | null>(broker, groupId, (coordinator, to, nowMs) => {
    const group = find(coordinator, groupId)
    if (group instanceof KafkaError) return [reply(to, group)]
    if (!(group instanceof ClassicGroup)) {
      const message = `group ${groupId} is of the newer protocol, which knows no rebalance of all`
      return [reply(to, new KafkaError('UNSUPPORTED_VERSION', message))]
    }
    if (group.state !== 'Stable') {
      const message = `group ${groupId} is ${group.state}`
      return [reply(to, new KafkaError('REBALANCE_IN_PROGRESS', message))]
    }
    return [reply(to, null), ...coordinator.wake(groupId, RESIZE_TIMER, nowMs)]
  })
  if (refusal) throw refusal
}

/** As when it was not heard of in time. */
export async function expireMember(
  broker: Broker,
  groupId: string,
  match: MemberMatch,
): Promise<string> {
  const expired = await submit<KafkaError | string>(broker, groupId, (coordinator, to, nowMs) => {
    const group = find(coordinator, groupId)
    if (group instanceof KafkaError) return [reply(to, group)]
    const member = [...group.members.values()].find(
      ({ memberId, clientId }) =>
        (match.memberId ?? memberId) === memberId && (match.clientId ?? clientId) === clientId,
    )
    if (!member) {
      const message = `group ${groupId} has no such member`
      return [reply(to, new KafkaError('UNKNOWN_MEMBER_ID', message))]
    }
    const { memberId } = member
    return [reply(to, memberId), ...coordinator.wake(groupId, sessionTimer(memberId), nowMs)]
  })
  if (typeof expired === 'string') return expired
  throw expired
}

async function submit<Response>(
  { groups }: Broker,
  groupId: string,
  decide: Parameters<typeof groups.submit<Response>>[1],
): Promise<Response> {
  try {
    return await groups.submit<Response>(groupId, decide)
  } catch (error) {
    // There is no coordinator before somebody first looked for one.
    const isMissing = error instanceof KafkaError && error.errorCode === ErrorCode.NOT_COORDINATOR
    throw isMissing ? missing(groupId) : error
  }
}

function missing(groupId: string): KafkaError {
  return new KafkaError('GROUP_ID_NOT_FOUND', `group ${groupId} is not there`)
}

function find(
  coordinator: GroupCoordinator,
  groupId: string,
): ClassicGroup | ConsumerGroup | KafkaError {
  const group = coordinator.groups.get(groupId)
  const isKnown = group instanceof ClassicGroup || group instanceof ConsumerGroup
  return isKnown ? group : missing(groupId)
}
