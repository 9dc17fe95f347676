import { api, array, int16, int32, int64, uuid } from '../schema.ts'

/** Tells the controller which log directories hold which replicas (KIP-858). */
export const AssignReplicasToDirs = api({
  key: 73,
  name: 'AssignReplicasToDirs',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    directories: array({
      id: uuid(),
      topics: array({
        topicId: uuid(),
        partitions: array({
          partitionIndex: int32(),
        }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    directories: array({
      id: uuid(),
      topics: array({
        topicId: uuid(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
        }),
      }),
    }),
  },
})
