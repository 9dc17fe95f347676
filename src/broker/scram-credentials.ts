import { createHash, createHmac } from 'node:crypto'
import { KafkaError } from '../protocol/error-code.ts'
import type { MetadataImage, MetadataRecord } from '../storage/metadata-store.ts'
import { checkValueSize } from './configs/topic-config-rules.ts'
import type { Decision } from './metadata-writer.ts'

/** Credentials of SASL/SCRAM users as they are stored (KIP-554; admin-and-config.md section 10). */

interface Mechanism {
  readonly code: number
  readonly hash: 'sha256' | 'sha512'
}

/** By their names in SASL. */
const scramMechanisms: Readonly<Record<string, Mechanism>> = {
  'SCRAM-SHA-256': { code: 1, hash: 'sha256' },
  'SCRAM-SHA-512': { code: 2, hash: 'sha512' },
}

const ITERATIONS_MIN = 4096
const ITERATIONS_MAX = 16384

export interface ScramDeletion {
  readonly name: string
  readonly mechanism: number
}

export interface ScramUpsertion extends ScramDeletion {
  readonly iterations: number
  readonly salt: Uint8Array
  /** PBKDF2 of the password, which the client never tells. */
  readonly saltedPassword: Uint8Array
}

export interface UserOutcome {
  readonly user: string
  readonly error: KafkaError | undefined
}

/** What a server keeps of a salted password (RFC 5802 section 3). */
function scramKeys(
  hash: Mechanism['hash'],
  saltedPassword: Uint8Array,
): { storedKey: Buffer; serverKey: Buffer } {
  const clientKey = createHmac(hash, saltedPassword).update('Client Key').digest()
  return {
    storedKey: createHash(hash).update(clientKey).digest(),
    serverKey: createHmac(hash, saltedPassword).update('Server Key').digest(),
  }
}

function mechanismOf(code: number): Mechanism {
  const mechanism = Object.values(scramMechanisms).find((one) => one.code === code)
  if (!mechanism) throw new KafkaError('UNSUPPORTED_SASL_MECHANISM', 'Unknown SCRAM mechanism')
  return mechanism
}

/** One answer per user; a user in error keeps what it has. */
export function decideCredentials(
  image: MetadataImage,
  deletions: readonly ScramDeletion[],
  upsertions: readonly ScramUpsertion[],
): Decision<UserOutcome[]> {
  const records = new Map<string, MetadataRecord>()
  const outcomes = new Map<string, KafkaError | undefined>()
  const attempt = (name: string, work: () => MetadataRecord) => {
    // The first error of a user stays.
    if (outcomes.get(name)) return
    try {
      if (records.delete(name)) throw alteredTwice()
      checkName(name)
      outcomes.set(name, undefined)
      records.set(name, work())
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      outcomes.set(name, error)
    }
  }
  for (const one of deletions) attempt(one.name, () => deletion(image, one))
  for (const one of upsertions) attempt(one.name, () => upsertion(one))
  const result = Array.from(outcomes, ([user, error]) => ({ user, error }))
  return { records: Array.from(records.values()), result }
}

function countNames(names: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

function alteredTwice(): KafkaError {
  const message = 'A user credential cannot be altered twice in the same request'
  return new KafkaError('DUPLICATE_RESOURCE', message)
}

function checkName(name: string): void {
  if (name === '') throw new KafkaError('UNACCEPTABLE_CREDENTIAL', 'Username must not be empty')
  checkValueSize(name)
}

function deletion(image: MetadataImage, { name, mechanism }: ScramDeletion): MetadataRecord {
  mechanismOf(mechanism)
  if (!image.scramCredentials.get(mechanism)?.has(name)) {
    const message = 'Attempt to delete a user credential that does not exist'
    throw new KafkaError('RESOURCE_NOT_FOUND', message)
  }
  return { type: 'RemoveUserScramCredentialRecord', value: { name, mechanism } }
}

function upsertion(user: ScramUpsertion): MetadataRecord {
  const { name, mechanism, iterations, salt, saltedPassword } = user
  const { hash } = mechanismOf(mechanism)
  if (iterations < ITERATIONS_MIN) {
    throw new KafkaError('UNACCEPTABLE_CREDENTIAL', 'Too few iterations')
  }
  if (iterations > ITERATIONS_MAX) {
    throw new KafkaError('UNACCEPTABLE_CREDENTIAL', 'Too many iterations')
  }
  const keys = scramKeys(hash, saltedPassword)
  return {
    type: 'UserScramCredentialRecord',
    value: { name, mechanism, salt, iterations, ...keys },
  }
}

export interface DescribedUser extends UserOutcome {
  readonly credentials: readonly { readonly mechanism: number; readonly iterations: number }[]
}

/** Null or empty `names` mean all users. */
export function describeCredentials(
  image: MetadataImage,
  names: readonly string[] | null,
): DescribedUser[] {
  const known = new Set(
    Array.from(image.scramCredentials.values()).flatMap((users) => Array.from(users.keys())),
  )
  const counts = countNames(names && names.length > 0 ? names : known)
  return Array.from(counts, ([user, count]) => {
    if (count > 1) {
      const message = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`
      return { user, error: new KafkaError('DUPLICATE_RESOURCE', message), credentials: [] }
    }
    if (!known.has(user)) {
      const message = `Attempt to describe a user credential that does not exist: ${user}`
      return { user, error: new KafkaError('RESOURCE_NOT_FOUND', message), credentials: [] }
    }
    const credentials = Array.from(image.scramCredentials, ([mechanism, users]) => {
      const credential = users.get(user)
      return credential && { mechanism, iterations: credential.iterations }
    }).filter((credential) => credential !== undefined)
    return { user, error: undefined, credentials }
  })
}
