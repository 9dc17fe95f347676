import { api, array, bool, int8, int16, int32, int64, string } from '../schema.ts'

/**
 * Writes commit or abort markers; sent between brokers. v1 flexible; v2 transaction version
 * (KIP-890).
 */
export const WriteTxnMarkers = api({
  key: 27,
  name: 'WriteTxnMarkers',
  versions: [0, 2],
  flexibleSince: 1,
  request: {
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      transactionResult: bool(),
      topics: array({
        name: string(),
        partitionIndexes: array(int32()),
      }),
      coordinatorEpoch: int32(),
      transactionVersion: int8({ since: 2 }),
    }),
  },
  response: {
    markers: array({
      producerId: int64(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
        }),
      }),
    }),
  },
})
