import type { ErrorName } from '../../protocol/error-code.ts'
import type { ApiName } from '../api-name.ts'
import type { FaultSpec } from './fault-spec.ts'

/** What a fault answers where; undefined: it answers no error. */
export interface FaultPlan {
  /** Undefined: all APIs. */
  readonly apis: ReadonlySet<string> | undefined
  readonly error: ErrorName | undefined
  /** Metadata is answered, and names no leader. */
  readonly hidesLeader: boolean
}

const leaderApis: readonly ApiName[] = [
  'Produce',
  'Fetch',
  'ListOffsets',
  'OffsetForLeaderEpoch',
  'DeleteRecords',
]
const coordinatorApis: readonly ApiName[] = [
  'JoinGroup',
  'SyncGroup',
  'Heartbeat',
  'LeaveGroup',
  'OffsetCommit',
  'OffsetFetch',
  'ConsumerGroupHeartbeat',
  'InitProducerId',
  'AddPartitionsToTxn',
  'AddOffsetsToTxn',
  'EndTxn',
  'TxnOffsetCommit',
]

export function planOf(spec: FaultSpec): FaultPlan {
  const { error, hidesLeader = false, apis } = meaningOf(spec)
  const asked = spec.api === undefined ? undefined : [spec.api].flat()
  const both = apis && asked ? apis.filter((name) => asked.includes(name)) : (apis ?? asked)
  return { apis: both && new Set(both), error, hidesLeader }
}

function meaningOf(spec: FaultSpec): {
  readonly error: ErrorName | undefined
  readonly apis?: readonly ApiName[]
  readonly hidesLeader?: boolean
} {
  if (spec.corrupt) return { error: undefined, apis: ['Fetch'] }
  switch (spec.leader) {
    case 'moved':
      return { error: 'NOT_LEADER_OR_FOLLOWER', apis: leaderApis }
    case 'none': {
      const apis: ApiName[] = [...leaderApis, 'Metadata', 'DescribeTopicPartitions']
      return { error: 'NOT_LEADER_OR_FOLLOWER', apis, hidesLeader: true }
    }
  }
  switch (spec.coordinator) {
    case 'moved':
      return { error: 'NOT_COORDINATOR', apis: coordinatorApis }
    case 'loading':
      return { error: 'COORDINATOR_LOAD_IN_PROGRESS', apis: coordinatorApis }
    case 'unavailable':
      return { error: 'COORDINATOR_NOT_AVAILABLE', apis: [...coordinatorApis, 'FindCoordinator'] }
  }
  return { error: spec.error }
}
