import { api, int16, int32, int64, string } from '../schema.ts'

/**
 * Adds a group's offsets partition to a transaction. v3 flexible; v4 may answer that the
 * transaction can only abort (KIP-890).
 */
export const AddOffsetsToTxn = api({
  key: 25,
  name: 'AddOffsetsToTxn',
  versions: [0, 4],
  flexibleSince: 3,
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
  },
})
