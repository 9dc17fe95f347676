import { KafkaError } from '../protocol/error-code.ts'
import type { IsolationLevel } from '../storage/engine.ts'

/** Kafka fails the whole request on a level it does not know. */
export function isolationLevel(code: number): IsolationLevel {
  if (code === 0) return 'read_uncommitted'
  if (code === 1) return 'read_committed'
  throw new KafkaError('UNKNOWN_SERVER_ERROR')
}
