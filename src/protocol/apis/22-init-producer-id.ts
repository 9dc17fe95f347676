import { api, bool, int16, int32, int64, nullableString } from '../schema.ts'

/**
 * Hands out a producer id and epoch, fencing earlier producers of a transactional id. v2 flexible;
 * v3 bumps a given epoch (KIP-360); v6 two-phase commit (KIP-939).
 */
export const InitProducerId = api({
  key: 22,
  name: 'InitProducerId',
  versions: [0, 6],
  flexibleSince: 2,
  request: {
    transactionalId: nullableString(),
    transactionTimeoutMs: int32(),
    producerId: int64({ since: 3, default: -1 }),
    producerEpoch: int16({ since: 3, default: -1 }),
    enable2Pc: bool({ since: 6 }),
    keepPreparedTxn: bool({ since: 6 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64({ default: -1 }),
    producerEpoch: int16(),
    ongoingTxnProducerId: int64({ since: 6, default: -1 }),
    ongoingTxnProducerEpoch: int16({ since: 6, default: -1 }),
  },
})
