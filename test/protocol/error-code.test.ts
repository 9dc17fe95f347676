import { expect, test } from 'vitest'
import { ErrorCode, errorName, KafkaError } from '../../src/protocol/error-code.ts'
import { errorMessage } from '../../src/protocol/error-message.ts'
import { goldenJson } from './golden.ts'

const golden =
  goldenJson<{ code: ErrorCode; name: string; defaultMessage: string }[]>('basics/errors.json')

test('codes and names are those of Apache Kafka', () => {
  expect(ErrorCode).toEqual(Object.fromEntries(golden.map(({ name, code }) => [name, code])))
  for (const { code, name } of golden) expect(errorName(code)).toBe(name)
})

test('messages are those of Apache Kafka', () => {
  for (const { code, defaultMessage } of golden) expect(errorMessage(code)).toBe(defaultMessage)
})

test('a code nobody knows has a name for log lines', () => {
  expect(errorName(9999)).toBe('UNKNOWN_ERROR_CODE_9999')
})

test('a KafkaError has its code, and a detail only where one was given', () => {
  const bare = new KafkaError('NOT_COORDINATOR')
  expect(bare).toMatchObject({ errorCode: 16, detail: undefined, message: 'NOT_COORDINATOR' })
  expect(new KafkaError('INVALID_CONFIG', 'no such key')).toMatchObject({
    errorCode: 40,
    detail: 'no such key',
    message: 'no such key',
  })
})
