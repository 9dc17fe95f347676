import type { ClientQuotaImage } from '../../storage/metadata-store.ts'

export interface Caller {
  readonly user: string
  readonly clientId: string
}

/** Null is the default entity of its type; undefined: the quota is for all of that type together. */
type Name = string | null | undefined

/** A limit, and for whom it counts together; infinite for those who are only measured. */
export interface FoundLimit {
  readonly limit: number
  readonly user: string | undefined
  readonly clientId: string | undefined
}

type Kind = 'user' | 'client' | 'both'

export type QuotaKey =
  | 'producer_byte_rate'
  | 'consumer_byte_rate'
  | 'request_percentage'
  | 'controller_mutation_rate'

/** The limits of one key for users, clients and both (fetch-and-network.md section 8). */
export class QuotaLimits {
  readonly #byUser = new Map<Name, Map<Name, number>>()
  /** What the limits are for, where that is the same for all of them. */
  readonly #kind: Kind | undefined

  constructor(key: QuotaKey, quotas: Iterable<ClientQuotaImage>) {
    const kinds = new Set<Kind>()
    for (const { entity, values } of quotas) {
      const limit = values.get(key)
      if (limit === undefined || entity.has('ip')) continue
      const user = entity.get('user')
      const clientId = entity.get('client-id')
      const clients = this.#byUser.get(user) ?? new Map<Name, number>()
      this.#byUser.set(user, clients.set(clientId, limit))
      kinds.add(user === undefined ? 'client' : clientId === undefined ? 'user' : 'both')
    }
    this.#kind = kinds.size === 1 ? [...kinds][0] : undefined
  }

  get isEmpty(): boolean {
    return this.#byUser.size === 0
  }

  /**
   * The most specific one that fits. While there is a limit for anybody, all are measured, so that
   * one that is set for them later knows what they did. Undefined when there is none at all.
   */
  find({ user, clientId }: Caller): FoundLimit | undefined {
    if (this.isEmpty) return undefined
    return (
      this.#findOf(user, user, clientId) ??
      this.#findOf(null, user, clientId) ??
      this.#findOf(undefined, undefined, clientId) ??
      this.#unlimited(user, clientId)
    )
  }

  /** As Kafka measures it: by what all limits are for, and by client where they differ in that. */
  #unlimited(user: string, clientId: string): FoundLimit {
    return {
      limit: Number.POSITIVE_INFINITY,
      user: this.#kind === 'user' || this.#kind === 'both' ? user : undefined,
      clientId: this.#kind === 'user' ? undefined : clientId,
    }
  }

  #findOf(entity: Name, user: string | undefined, clientId: string): FoundLimit | undefined {
    const clients = this.#byUser.get(entity)
    if (!clients) return undefined
    const ofClient = clients.get(clientId) ?? clients.get(null)
    if (ofClient !== undefined) return { limit: ofClient, user, clientId }
    const ofUser = clients.get(undefined)
    return ofUser === undefined ? undefined : { limit: ofUser, user, clientId: undefined }
  }
}
