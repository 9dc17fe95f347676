import type { Broker } from '../../broker/broker.ts'
import { KafkaError } from '../../protocol/error-code.ts'

/** What the process around a broker knows of it. */
export interface HealthSource {
  readonly phase: 'starting' | 'serving' | 'stopping'
  /** Undefined while there is none: at the start, and while it is opened anew. */
  readonly broker: Broker | undefined
  /** All that the process presents. */
  readonly brokers: readonly Broker[]
  readonly listening: boolean
  /** Why nothing can be written; undefined when something was. */
  storageProblem(): string | undefined
}

/** Why clients should not come now; empty when they may. */
export function unreadyReasons(source: HealthSource): string[] {
  const { phase, broker } = source
  if (phase === 'stopping') return ['the broker is stopping']
  if (phase === 'starting' || !broker) return ['the data directory is being recovered']
  const reasons: string[] = []
  if (!source.listening) reasons.push('the broker does not listen')
  if (source.brokers.some(isLoading)) reasons.push('groups and transactions are being loaded')
  const storage = source.storageProblem()
  if (storage !== undefined) reasons.push(`storage cannot be written: ${storage}`)
  return reasons
}

function isLoading({ groups, transactions }: Broker): boolean {
  try {
    groups.readAll()
    transactions.readAll()
    return false
  } catch (error) {
    if (error instanceof KafkaError) return true
    throw error
  }
}
