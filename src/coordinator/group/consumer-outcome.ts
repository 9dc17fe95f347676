import { type ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { Reply, Wake } from '../effect.ts'
import type { Effects } from './classic-rebalance.ts'
import type { GroupRecord } from './group-records.ts'

export function heartbeatError(errorCode: ErrorCode, errorMessage: string | null) {
  return {
    throttleTimeMs: 0,
    errorCode,
    errorMessage,
    memberId: null,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
  }
}

/** Answers what `decide` complains about. */
export function attempt(decide: () => Effects, answer: (error: KafkaError) => Reply): Effects {
  try {
    return decide()
  } catch (error) {
    if (error instanceof KafkaError) return [answer(error)]
    throw error
  }
}

/** Writes `records`, if there are any, and goes on. */
export function write(
  records: readonly GroupRecord[],
  committed: (nowMs: number) => Effects,
  failed: (errorCode: ErrorCode, nowMs: number) => Reply | Wake,
  nowMs: number,
): Effects {
  if (records.length === 0) return committed(nowMs)
  return [
    {
      type: 'append',
      atomic: true,
      records,
      committed,
      failed: (errorCode, failedMs) => [failed(errorCode, failedMs)],
    },
  ]
}
