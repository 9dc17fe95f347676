import { formatUuid } from '../../base/uuid.ts'
import { decodeVersioned } from '../../protocol/body.ts'
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../../protocol/embedded/consumer-protocol.ts'
import { errorName } from '../../protocol/error-code.ts'
import type { Field, Fields, Message } from '../../protocol/schema.ts'
import type { Json } from './json.ts'
import { isSecretConfig, isSecretField, MASK } from './masking.ts'
import { recordsJson } from './records-json.ts'

/**
 * A message as JSON: ids as Kafka prints them, records and the consumer protocol decoded, error
 * codes with their names, other bytes in base64, secrets masked. Fields that the version of the
 * message does not have are left out.
 */
export function messageJson(message: Message, apiVersion: number, value: unknown): Json {
  return structJson(message.fields, apiVersion, value)
}

function structJson(fields: Fields, version: number, value: unknown): Json {
  if (typeof value !== 'object' || value === null) return null
  const given = new Map<string, unknown>(Object.entries(value))
  const masksValue = isSecretConfig(String(given.get('name') ?? ''))
  const json: Record<string, Json> = {}
  for (const [name, field] of Object.entries(fields)) {
    const { since = 0, until = Number.POSITIVE_INFINITY } = field.options
    if (!given.has(name) || version < since || version > until) continue
    const isSecret = isSecretField(name) || (masksValue && name === 'value')
    const one = given.get(name)
    json[name] = isSecret && one !== null ? MASK : fieldJson(name, field, version, one)
  }
  return json
}

function fieldJson(name: string, field: Field, version: number, value: unknown): Json {
  if (value === null || value === undefined) return null
  switch (field.type) {
    case 'array': {
      const { element } = field
      if (!element || !Array.isArray(value)) return null
      return value.map((one: unknown) => fieldJson(name, element, version, one))
    }
    case 'struct':
      return structJson(field.fields ?? {}, version, value)
    case 'uuid':
      return formatUuid(String(value))
    case 'records':
      return value instanceof Uint8Array ? recordsJson(value) : null
    case 'bytes':
      return value instanceof Uint8Array ? bytesJson(name, Buffer.from(value)) : null
    case 'string':
      return String(value)
    case 'bool':
      return Boolean(value)
    default:
      return /errorCode$/i.test(name) && value !== 0 ? errorName(Number(value)) : Number(value)
  }
}

/** Of classic groups: what the consumers of all languages put there. */
const consumerProtocol: Readonly<Record<string, Message>> = {
  metadata: ConsumerProtocolSubscription,
  memberMetadata: ConsumerProtocolSubscription,
  assignment: ConsumerProtocolAssignment,
  memberAssignment: ConsumerProtocolAssignment,
}

const NEWEST = Number.MAX_SAFE_INTEGER

function bytesJson(name: string, bytes: Buffer): Json {
  const message = consumerProtocol[name]
  if (message && bytes.length > 0) {
    try {
      return structJson(message.fields, NEWEST, decodeVersioned(message, bytes))
    } catch {
      // Another protocol than that of consumers: the bytes are what there is to show.
    }
  }
  return { base64: bytes.toString('base64') }
}
