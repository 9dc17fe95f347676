import { api, array, int16, int32, int64, nullableString, string } from '../schema.ts'

/** Lists transactions (KIP-664). v1 by duration (KIP-994); v2 by pattern of the id (KIP-1152). */
export const ListTransactions = api({
  key: 66,
  name: 'ListTransactions',
  versions: [0, 2],
  flexibleSince: 0,
  request: {
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64({ since: 1, default: -1 }),
    transactionalIdPattern: nullableString({ since: 2 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array({
      transactionalId: string(),
      producerId: int64(),
      transactionState: string(),
    }),
  },
})
