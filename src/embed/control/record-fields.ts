import { ConfigError } from '../../settings/parse-value.ts'
import type { NewRecord, WaitOptions } from '../local-records.ts'
import type { ValueFormat, Writable } from '../record-values.ts'
import { Fields } from './fields.ts'

const recordFields = [
  'key',
  'keyBase64',
  'value',
  'valueBase64',
  'headers',
  'partition',
  'timestamp',
]

/** A record as JSON has it: bytes that are no text as `keyBase64`, `valueBase64`. */
export function newRecord(value: unknown): NewRecord {
  const fields = new Fields(value, 'a record', recordFields)
  const partition = fields.number('partition')
  const timestamp = fields.number('timestamp')
  const headers = fields.texts('headers')
  return {
    key: content(fields, 'key', 'keyBase64'),
    value: content(fields, 'value', 'valueBase64'),
    ...(headers && { headers }),
    ...(partition !== undefined && { partition }),
    ...(timestamp !== undefined && { timestamp }),
  }
}

function content(fields: Fields, name: string, base64Name: string): Writable {
  const base64 = fields.text(base64Name)
  if (base64 !== undefined) return Buffer.from(base64, 'base64')
  const value = fields.get(name)
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value
  }
  if (Array.isArray(value)) return value
  return typeof value === 'object' && value !== null ? { ...value } : null
}

const queryFields = ['count', 'timeoutMs', 'partition', 'fromOffset', 'value', 'isolation']
const formats: readonly string[] = ['auto', 'json', 'string', 'buffer']

export function readOptions(query: URLSearchParams): WaitOptions & { readonly count?: number } {
  const fields = Fields.ofQuery(query, 'reading', queryFields)
  const value = fields.text('value')
  const isolation = fields.text('isolation')
  if (value !== undefined && !isFormat(value)) {
    throw new ConfigError(`value: '${value}' should be ${formats.join(' or ')}`)
  }
  if (
    isolation !== undefined &&
    isolation !== 'read_uncommitted' &&
    isolation !== 'read_committed'
  ) {
    throw new ConfigError(`isolation: '${isolation}' is not known`)
  }
  const count = fields.number('count')
  const timeoutMs = fields.number('timeoutMs')
  const partition = fields.number('partition')
  const fromOffset = fields.number('fromOffset')
  return {
    ...(count !== undefined && { count }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(partition !== undefined && { partition }),
    ...(fromOffset !== undefined && { fromOffset }),
    ...(value !== undefined && { value }),
    ...(isolation !== undefined && { isolation }),
  }
}

function isFormat(text: string): text is ValueFormat {
  return formats.includes(text)
}
