import { ErrorCode, errorName, KafkaError } from '../protocol/error-code.ts'
import { errorMessage } from '../protocol/error-message.ts'

/** What a code in an answer is thrown as; the text is the broker's own, else Kafka's for the code. */
export function brokerError(errorCode: number, message?: string | null): KafkaError {
  const name = errorName(errorCode)
  if (!isErrorName(name)) {
    return new KafkaError('UNKNOWN_SERVER_ERROR', `${message ?? 'error'} (code ${errorCode})`)
  }
  return new KafkaError(name, message || errorMessage(ErrorCode[name]))
}

export function throwIfError(errorCode: number, message?: string | null): void {
  if (errorCode !== ErrorCode.NONE) throw brokerError(errorCode, message)
}

function isErrorName(name: string): name is keyof typeof ErrorCode {
  return Object.hasOwn(ErrorCode, name)
}
