import type { DescribeGroups } from '../../protocol/apis/15-describe-groups.ts'
import type { ListGroups } from '../../protocol/apis/16-list-groups.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import { ClassicGroup } from './classic-group.ts'
import { noBytes } from './classic-member.ts'
import type { Group } from './group.ts'

export type DescribedGroup = ResponseOf<typeof DescribeGroups>['groups'][number]
export type ListedGroup = ResponseOf<typeof ListGroups>['groups'][number]

/** From this version of DescribeGroups on a group that is not there is an error. */
const NOT_FOUND_SINCE = 6

/** groups.md section 5. Metadata and assignment are shown while they belong together: when stable. */
export function describeClassicGroup(
  group: Group | undefined,
  groupId: string,
  apiVersion: number,
): DescribedGroup {
  if (!(group instanceof ClassicGroup)) {
    const what = group ? 'is not a classic group' : 'not found'
    return describeNothing(groupId, apiVersion, `Group ${groupId} ${what}.`)
  }
  const stable = group.state === 'Stable'
  return {
    errorCode: ErrorCode.NONE,
    groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: (stable && group.protocolName) || '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: stable ? member.metadata(group.protocolName) : noBytes,
      memberAssignment: stable ? member.assignment : noBytes,
    })),
  }
}

function describeNothing(
  groupId: string,
  apiVersion: number,
  errorMessage: string,
): DescribedGroup {
  const nothing = { groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
  return apiVersion >= NOT_FOUND_SINCE
    ? { ...nothing, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage }
    : { ...nothing, errorCode: ErrorCode.NONE }
}

/** Which groups to list, in any case of letters; empty means all. */
export interface ListFilter {
  readonly statesFilter: readonly string[]
  readonly typesFilter: readonly string[]
}

export function listGroups(groups: Iterable<Group>, filter: ListFilter): ListedGroup[] {
  const states = new Set(filter.statesFilter.map((state) => state.toLowerCase()))
  const types = new Set(filter.typesFilter.map((type) => type.toLowerCase()))
  const listed: ListedGroup[] = []
  for (const group of groups) {
    if (states.size > 0 && !states.has(group.state.toLowerCase())) continue
    if (types.size > 0 && !types.has(group.type)) continue
    listed.push({
      groupId: group.groupId,
      protocolType: group.protocolType ?? '',
      groupState: group.state,
      groupType: group.type,
    })
  }
  return listed
}
