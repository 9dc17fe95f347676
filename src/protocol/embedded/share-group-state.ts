import { array, int8, int16, int32, int64, string, uuid } from '../schema.ts'
import { recordType } from './record-type.ts'

/** The whole durable state of a share partition. */
export const ShareSnapshotRecord = recordType({
  id: 0,
  name: 'ShareSnapshot',
  key: {
    groupId: string(),
    topicId: uuid(),
    partition: int32(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
      snapshotEpoch: int32(),
      stateEpoch: int32(),
      leaderEpoch: int32(),
      startOffset: int64(),
      deliveryCompleteCount: int32({ tag: 0, default: -1 }),
      createTimestamp: int64(),
      writeTimestamp: int64(),
      stateBatches: array({
        firstOffset: int64(),
        lastOffset: int64(),
        deliveryState: int8(),
        deliveryCount: int16(),
      }),
    },
  },
})

/** A change of the durable state of a share partition since its last snapshot. */
export const ShareUpdateRecord = recordType({
  id: 1,
  name: 'ShareUpdate',
  key: {
    groupId: string(),
    topicId: uuid(),
    partition: int32(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
      snapshotEpoch: int32(),
      leaderEpoch: int32(),
      startOffset: int64(),
      deliveryCompleteCount: int32({ tag: 0, default: -1 }),
      stateBatches: array({
        firstOffset: int64(),
        lastOffset: int64(),
        deliveryState: int8(),
        deliveryCount: int16(),
      }),
    },
  },
})

/** Every record type of the topic. */
export const shareGroupStateRecords = [ShareSnapshotRecord, ShareUpdateRecord] as const
