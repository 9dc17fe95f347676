import type { ClientQuotaImage } from '../../storage/metadata-store.ts'

export interface Caller {
  readonly user: string
  readonly clientId: string
}

/** Null is the default entity of its type; undefined: the quota is for all of that type together. */
type Name = string | null | undefined

/** A limit, and for whom it counts together. */
export interface FoundLimit {
  readonly limit: number
  readonly user: string | undefined
  readonly clientId: string | undefined
}

export type QuotaKey =
  | 'producer_byte_rate'
  | 'consumer_byte_rate'
  | 'request_percentage'
  | 'controller_mutation_rate'

/** The limits of one key for users, clients and both (fetch-and-network.md section 8). */
export class QuotaLimits {
  readonly #byUser = new Map<Name, Map<Name, number>>()

  constructor(key: QuotaKey, quotas: Iterable<ClientQuotaImage>) {
    for (const { entity, values } of quotas) {
      const limit = values.get(key)
      if (limit === undefined || entity.has('ip')) continue
      const user = entity.get('user')
      const clients = this.#byUser.get(user) ?? new Map<Name, number>()
      this.#byUser.set(user, clients.set(entity.get('client-id'), limit))
    }
  }

  get isEmpty(): boolean {
    return this.#byUser.size === 0
  }

  /** The most specific one that fits. */
  find({ user, clientId }: Caller): FoundLimit | undefined {
    return (
      this.#findOf(user, user, clientId) ??
      this.#findOf(null, user, clientId) ??
      this.#findOf(undefined, undefined, clientId)
    )
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
