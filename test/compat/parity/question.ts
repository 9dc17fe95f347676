import type { Api, EncodableOf } from '../../../src/protocol/schema.ts'

/** A request that is asked in every version that Kafka has. `$` in a name is the version's. */
export interface Question {
  readonly about: string
  readonly api: Api
  readonly request: object
}

export function question<A extends Api>(
  api: A,
  about: string,
  request: EncodableOf<A['request']>,
): Question {
  return { about: `${api.name}: ${about}`, api, request }
}
