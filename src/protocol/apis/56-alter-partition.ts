import { api, array, int8, int16, int32, int64, string, uuid } from '../schema.ts'

/**
 * Changes in-sync replicas; from broker to controller (KIP-497). v1 recovery state (KIP-704); v2
 * topic ids; v3 broker epochs of replicas (KIP-903).
 */
export const AlterPartition = api({
  key: 56,
  name: 'AlterPartition',
  versions: [0, 3],
  flexibleSince: 0,
  request: {
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    topics: array({
      topicName: string({ until: 1 }),
      topicId: uuid({ since: 2 }),
      partitions: array({
        partitionIndex: int32(),
        leaderEpoch: int32(),
        newIsr: array(int32(), { until: 2 }),
        newIsrWithEpochs: array(
          {
            brokerId: int32(),
            brokerEpoch: int64({ default: -1 }),
          },
          { since: 3 },
        ),
        leaderRecoveryState: int8({ since: 1 }),
        partitionEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    topics: array({
      topicName: string({ until: 1 }),
      topicId: uuid({ since: 2 }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
        isr: array(int32()),
        leaderRecoveryState: int8({ since: 1 }),
        partitionEpoch: int32(),
      }),
    }),
  },
})
