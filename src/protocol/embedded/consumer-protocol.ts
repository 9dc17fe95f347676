import { array, int32, message, nullableBytes, nullableString, string } from '../schema.ts'

/**
 * The metadata bytes of JoinGroup with protocol type "consumer", behind an int16 version. v1 owned
 * partitions (KIP-429); v2 generation (KIP-792); v3 rack (KIP-881). A reader takes versions it does
 * not know as the last it knows.
 */
export const ConsumerProtocolSubscription = message({
  name: 'ConsumerProtocolSubscription',
  versions: [0, 3],
  fields: {
    topics: array(string()),
    userData: nullableBytes({ default: null }),
    ownedPartitions: array({ topic: string(), partitions: array(int32()) }, { since: 1 }),
    generationId: int32({ since: 2, default: -1 }),
    rackId: nullableString({ since: 3 }),
  },
})

/** The assignment bytes of SyncGroup with protocol type "consumer", behind an int16 version. */
export const ConsumerProtocolAssignment = message({
  name: 'ConsumerProtocolAssignment',
  versions: [0, 3],
  fields: {
    assignedPartitions: array({ topic: string(), partitions: array(int32()) }),
    userData: nullableBytes({ default: null }),
  },
})
