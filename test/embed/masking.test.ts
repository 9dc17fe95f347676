import { expect, test } from 'vitest'
import { messageJson } from '../../src/embed/requests/message-json.ts'
import { apis } from '../../src/protocol/apis/index.ts'
import type { Field, Fields } from '../../src/protocol/schema.ts'

const SECRET = 'hunter2'

const noSecrets = [
  'assignment',
  'clientHostAddress',
  'memberAssignment',
  'memberMetadata',
  'metadata',
  'metrics',
  'requestPrincipal',
]

/** A value of the field, secrets wherever bytes or text may be; undefined for what holds neither. */
function filled(field: Field): unknown {
  switch (field.type) {
    case 'array': {
      const one = field.element && filled(field.element)
      return one === undefined ? [] : [one]
    }
    case 'struct':
      return filledStruct(field.fields ?? {})
    case 'bytes':
      return Buffer.from(SECRET)
    case 'string':
      return SECRET
    default:
      return undefined
  }
}

function filledStruct(fields: Fields): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, field]) => [name, filled(field)] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

/** Where `json` shows the bytes of the secret, as paths of names. */
function shown(json: unknown, path: string): string[] {
  if (typeof json !== 'object' || json === null) return []
  if ('base64' in json) return [path]
  return Object.entries(json).flatMap(([name, value]) =>
    shown(value, /^\d+$/.test(name) ? path : `${path}.${name}`),
  )
}

test('no bytes of any API are shown but those that are known to be no secret', () => {
  const paths = apis.flatMap(({ name, request, response }) => [
    ...shown(messageJson(request, 99, filledStruct(request.fields)), `${name}Request`),
    ...shown(messageJson(response, 99, filledStruct(response.fields)), `${name}Response`),
  ])
  const names = new Set(paths.map((path) => path.split('.').at(-1)))
  expect([...names].toSorted()).toEqual(noSecrets)
})
