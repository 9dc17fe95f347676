import { api, array, int16, int32, string } from '../schema.ts'

/** Moves replicas between log directories of a broker. v2 flexible. */
export const AlterReplicaLogDirs = api({
  key: 34,
  name: 'AlterReplicaLogDirs',
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    dirs: array({
      path: string(),
      topics: array({
        name: string(),
        partitions: array(int32()),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
})
