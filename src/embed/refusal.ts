import { ErrorCode, type ErrorName, errorName, KafkaError } from '../protocol/error-code.ts'

/** Throws what an answer of the broker says, as `KafkaError`. */
export function throwIfRefused(errorCode: number, message?: string | null): void {
  if (errorCode === ErrorCode.NONE) return
  const name = errorName(errorCode)
  const isKnown = name in ErrorCode
  throw new KafkaError(
    isKnown ? (name as ErrorName) : 'UNKNOWN_SERVER_ERROR',
    message ? `${name}: ${message}` : name,
  )
}
