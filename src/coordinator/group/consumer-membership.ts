import { KafkaError } from '../../protocol/error-code.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './consumer-member.ts'

/** Members of a consumer group by how requests name them. All throw KafkaError. */

export function findMember(group: ConsumerGroup, memberId: string): ConsumerMember {
  const member = group.members.get(memberId)
  if (member) return member
  const problem = `Member ${memberId} is not a member of group ${group.groupId}.`
  throw new KafkaError('UNKNOWN_MEMBER_ID', problem)
}

export function findInstance(group: ConsumerGroup, instanceId: string): ConsumerMember {
  const member = group.staticMember(instanceId)
  if (member) return member
  throw new KafkaError('UNKNOWN_MEMBER_ID', `Instance id ${instanceId} is unknown.`)
}

/** The instance, if it still has this member id. */
export function findStaticMember(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string,
): ConsumerMember {
  const member = findInstance(group, instanceId)
  if (member.memberId === memberId) return member
  throw new KafkaError(
    'FENCED_INSTANCE_ID',
    `Static member ${memberId} with instance id ${instanceId} was fenced by member ` +
      `${member.memberId}.`,
  )
}

/** By instance id when there is one. */
export function findEither(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
): ConsumerMember {
  return instanceId === null
    ? findMember(group, memberId)
    : findStaticMember(group, memberId, instanceId)
}
