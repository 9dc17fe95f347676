import { isIP } from 'node:net'
import { KafkaError } from '../protocol/error-code.ts'
import { quotaEntityId } from '../storage/metadata-image.ts'
import type { ClientQuotaImage, MetadataImage, MetadataRecord } from '../storage/metadata-store.ts'
import { checkValueSize } from './configs/topic-config-rules.ts'
import type { Decision } from './metadata-writer.ts'

/** Quotas of users, clients and addresses as they are stored (admin-and-config.md section 10). */

const MatchType = { EXACT: 0, DEFAULT: 1, ANY: 2 } as const

export interface QuotaFilterComponent {
  readonly entityType: string
  readonly matchType: number
  readonly match: string | null
}

const USER = 'user'
const CLIENT_ID = 'client-id'
const IP = 'ip'
const entityTypes = [USER, CLIENT_ID, IP]

function invalid(message: string): KafkaError {
  return new KafkaError('INVALID_REQUEST', message)
}

/** Quotas whose entity has what every component asks for; `strict`: and no other type. */
export function findQuotas(
  image: MetadataImage,
  components: readonly QuotaFilterComponent[],
  strict: boolean,
): ClientQuotaImage[] {
  checkFilter(components)
  return Array.from(image.clientQuotas.values()).filter(({ entity }) => {
    // As in Kafka: a strict filter of nothing finds nothing.
    if (strict && entity.size !== components.length) return false
    return components.every(({ entityType, matchType, match }) => {
      const name = entity.get(entityType)
      if (name === undefined) return false
      return matchType === MatchType.ANY || name === match
    })
  })
}

function checkFilter(components: readonly QuotaFilterComponent[]): void {
  const seen = new Set<string>()
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') throw invalid('Invalid empty entity type.')
    if (seen.has(entityType)) {
      throw invalid(`Entity type ${entityType} cannot appear more than once in the filter.`)
    }
    if (!entityTypes.includes(entityType)) {
      throw new KafkaError('UNSUPPORTED_VERSION', `Unsupported entity type ${entityType}`)
    }
    seen.add(entityType)
    checkMatch(matchType, match)
  }
  if (seen.has(IP) && seen.size > 1) {
    throw invalid(
      'Invalid entity filter component combination. IP filter component should not be used with ' +
        'user or clientId filter component.',
    )
  }
}

function checkMatch(matchType: number, match: string | null): void {
  switch (matchType) {
    case MatchType.EXACT:
      if (match !== null) return
      throw invalid('Request specified MATCH_TYPE_EXACT, but set match string to null.')
    case MatchType.DEFAULT:
      if (match === null) return
      throw invalid('Request specified MATCH_TYPE_DEFAULT, but also specified a match string.')
    case MatchType.ANY:
      if (match === null) return
      throw invalid('Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.')
    default:
      throw invalid(`Unknown match type ${matchType}`)
  }
}

interface QuotaEntityPart {
  readonly entityType: string
  readonly entityName: string | null
}

export interface QuotaAlteration {
  readonly entity: readonly QuotaEntityPart[]
  readonly ops: readonly {
    readonly key: string
    readonly value: number
    readonly remove: boolean
  }[]
}

export interface AlteredQuota {
  readonly entity: readonly QuotaEntityPart[]
  readonly error: KafkaError | undefined
}

/** One answer per entity; those in error change nothing. */
export function decideQuotas(
  image: MetadataImage,
  entries: readonly QuotaAlteration[],
  validateOnly: boolean,
): Decision<AlteredQuota[]> {
  const records: MetadataRecord[] = []
  const answers = new Map<string, AlteredQuota>()
  for (const entry of entries) {
    // A type that comes twice counts once, with its last name.
    const names = new Map(
      entry.entity.map(({ entityType, entityName }) => [entityType, entityName]),
    )
    const entity = Array.from(names, ([entityType, entityName]) => ({ entityType, entityName }))
    const id = quotaEntityId(names)
    const keys = new Set(entry.ops.map(({ key }) => key))
    // What the first entry of an entity changes stays, as in Kafka, although it is told otherwise.
    if (answers.has(id) || keys.size < entry.ops.length) {
      answers.set(id, { entity, error: duplicate(entity) })
      continue
    }
    try {
      records.push(...quotaRecords(image.clientQuotas.get(id), { ...entry, entity }))
      answers.set(id, { entity, error: undefined })
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      answers.set(id, { entity, error })
    }
  }
  return { records: validateOnly ? [] : records, result: Array.from(answers.values()) }
}

function duplicate(entity: readonly QuotaEntityPart[]): KafkaError {
  const text = entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`).join(', ')
  return invalid(`Ignoring duplicate entity ClientQuotaEntity(entries={${text}})`)
}

function quotaRecords(
  stored: ClientQuotaImage | undefined,
  { entity, ops }: QuotaAlteration,
): MetadataRecord[] {
  const kinds = checkEntity(entity)
  const records: MetadataRecord[] = []
  for (const { key, value, remove } of ops) {
    if (!remove) checkQuota(key, value, kinds.get(key))
    const isThere = stored?.values.has(key) ?? false
    if (remove ? !isThere : stored?.values.get(key) === value) continue
    records.push({
      type: 'ClientQuotaRecord',
      value: { entity, key, value: remove ? 0 : value, remove },
    })
  }
  return records
}

type QuotaKind = 'double' | 'int' | 'long'

const clientKeys: ReadonlyMap<string, QuotaKind> = new Map([
  ['producer_byte_rate', 'long'],
  ['consumer_byte_rate', 'long'],
  ['request_percentage', 'double'],
  ['controller_mutation_rate', 'double'],
])
const ipKeys: ReadonlyMap<string, QuotaKind> = new Map([['connection_creation_rate', 'int']])

/** What may be limited about such an entity. */
function checkEntity(entity: readonly QuotaEntityPart[]): ReadonlyMap<string, QuotaKind> {
  if (entity.length === 0) throw invalid('Invalid empty client quota entity')
  for (const { entityType, entityName } of entity) {
    if (!entityTypes.includes(entityType)) {
      throw invalid(`Unhandled client quota entity type: ${entityType}`)
    }
    if (entityName === '') throw invalid(`Empty ${entityType} not supported`)
    if (entityName !== null) checkValueSize(entityName)
  }
  const ip = entity.find(({ entityType }) => entityType === IP)
  if (!ip) return clientKeys
  if (entity.length > 1) {
    throw invalid(
      'Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId',
    )
  }
  if (ip.entityName !== null && !isIP(ip.entityName) && ip.entityName !== 'localhost') {
    throw invalid(`${ip.entityName} is not a valid IP or resolvable host.`)
  }
  return ipKeys
}

const LARGEST = { int: 2 ** 31 - 1, long: 2 ** 63 } as const

/** What is left of a number that counts as whole. */
const TOLERANCE = 1e-6

function checkQuota(key: string, value: number, kind: QuotaKind | undefined): void {
  if (!kind) throw invalid(`Invalid configuration key ${key}`)
  if (value <= 0) throw invalid(`Quota ${key} must be greater than 0`)
  if (kind === 'double') return
  if (Math.abs(value % 1) > TOLERANCE) throw invalid(`${key} cannot be a fractional value.`)
  if (value > LARGEST[kind]) {
    throw invalid(
      `Proposed value for ${key} is too large for ${kind === 'int' ? 'an INT' : 'a LONG'}.`,
    )
  }
}
