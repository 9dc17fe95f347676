import { array, int16, int32, int64, message, string, struct, uint16, uuid } from '../schema.ts'

/** The key of every control record, behind an int16 version (reference: record-format.md, 3). */
export const ControlRecordTypeSchema = message({
  name: 'ControlRecordTypeSchema',
  versions: [0, 0],
  fields: { type: int16() },
})

/** `type` of ControlRecordTypeSchema. Consumers ignore types they do not know. */
export const ControlRecordType = {
  ABORT: 0,
  COMMIT: 1,
  LEADER_CHANGE: 2,
  SNAPSHOT_HEADER: 3,
  SNAPSHOT_FOOTER: 4,
  KRAFT_VERSION: 5,
  KRAFT_VOTERS: 6,
} as const

/** The value of ABORT and COMMIT, behind an int16 version. */
export const EndTxnMarker = message({
  name: 'EndTxnMarker',
  versions: [0, 0],
  fields: { coordinatorEpoch: int32() },
})

const voter = { voterId: int32(), voterDirectoryId: uuid({ since: 1 }) }

/** The value of LEADER_CHANGE. v1 directories (KIP-853). */
export const LeaderChangeMessage = message({
  name: 'LeaderChangeMessage',
  versions: [0, 1],
  flexibleSince: 0,
  fields: {
    version: int16(),
    leaderId: int32(),
    voters: array(voter),
    grantingVoters: array(voter),
  },
})

export const SnapshotHeaderRecord = message({
  name: 'SnapshotHeaderRecord',
  versions: [0, 0],
  flexibleSince: 0,
  fields: { version: int16(), lastContainedLogTimestamp: int64() },
})

export const SnapshotFooterRecord = message({
  name: 'SnapshotFooterRecord',
  versions: [0, 0],
  flexibleSince: 0,
  fields: { version: int16() },
})

export const KRaftVersionRecord = message({
  name: 'KRaftVersionRecord',
  versions: [0, 0],
  flexibleSince: 0,
  fields: { version: int16(), kRaftVersion: int16() },
})

export const VotersRecord = message({
  name: 'VotersRecord',
  versions: [0, 0],
  flexibleSince: 0,
  fields: {
    version: int16(),
    voters: array({
      voterId: int32(),
      voterDirectoryId: uuid(),
      endpoints: array({ name: string(), host: string(), port: uint16() }),
      kRaftVersionFeature: struct({ minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    }),
  },
})
