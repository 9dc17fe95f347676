import { api, int16, int32, int64 } from '../schema.ts'

/** Hands a block of producer ids to a broker (KIP-730). */
export const AllocateProducerIds = api({
  key: 67,
  name: 'AllocateProducerIds',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerIdStart: int64(),
    producerIdLen: int32(),
  },
})
