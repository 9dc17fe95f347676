import { api, bool, int16, int32, int64, string } from '../schema.ts'

/**
 * Commits or aborts a transaction. v3 flexible; v5 answers the producer's next id and epoch
 * (KIP-890).
 */
export const EndTxn = api({
  key: 26,
  name: 'EndTxn',
  versions: [0, 5],
  flexibleSince: 3,
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64({ since: 5, default: -1 }),
    producerEpoch: int16({ since: 5, default: -1 }),
  },
})
