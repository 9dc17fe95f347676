import type { Clock } from '../base/clock.ts'
import { ErrorCode, KafkaError } from '../protocol/error-code.ts'
import { sleep } from './client-clock.ts'
import { ConnectionError } from './connection-error.ts'

/** Answers that may be different a moment later, most of them after new metadata. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.REPLICA_NOT_AVAILABLE,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NETWORK_EXCEPTION,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.NOT_CONTROLLER,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.OFFSET_NOT_AVAILABLE,
  ErrorCode.UNSTABLE_OFFSET_COMMIT,
  ErrorCode.THROTTLING_QUOTA_EXCEEDED,
  ErrorCode.CONCURRENT_TRANSACTIONS,
  // Made anew under the same name: metadata tells the new id.
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.INCONSISTENT_TOPIC_ID,
])

export function isPassing(error: unknown): boolean {
  if (error instanceof KafkaError) return PASSING.has(error.errorCode)
  return error instanceof ConnectionError && error.fault === 'closed'
}

export const RETRY_BACKOFF_MS = 100

export interface RetryOptions {
  readonly clock: Clock
  /** How long to go on for. */
  readonly timeoutMs: number
  /** What else is worth another try. */
  readonly alsoPassing?: (error: unknown) => boolean
}

/** Runs `attempt` until it succeeds, fails for good, or has failed for `timeoutMs`. */
export async function retry<T>(options: RetryOptions, attempt: () => Promise<T>): Promise<T> {
  const { clock, timeoutMs, alsoPassing } = options
  const deadlineMs = clock.nowMs() + timeoutMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      const mayPass = isPassing(error) || alsoPassing?.(error) === true
      if (!mayPass || clock.nowMs() + RETRY_BACKOFF_MS > deadlineMs) throw error
    }
    await sleep(clock, RETRY_BACKOFF_MS)
  }
}
