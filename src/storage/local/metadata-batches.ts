import type { Uuid } from '../../base/uuid.ts'
import { encodeBody } from '../../protocol/body.ts'
import {
  ControlRecordType,
  KRaftVersionRecord,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from '../../protocol/embedded/control-records.ts'
import type { BatchView } from '../../protocol/records/batch.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { parseControlRecord, records } from '../../protocol/records/iterate.ts'
import { decodeRecord, encodeRecord } from '../metadata-codec.ts'
import type { MetadataRecord, ReplayedRecord } from '../metadata-record.ts'

/**
 * Batches of `__cluster_metadata` and its snapshots: control batches of the quorum, data batches of
 * metadata records without keys.
 */

/** What the quorum's control records say, as they stand: a snapshot repeats them. */
export interface QuorumRecords {
  readonly kraftVersion?: Uint8Array
  readonly voters?: Uint8Array
}

interface ControlRecordInput {
  readonly type: keyof typeof ControlRecordType
  readonly value: Uint8Array
}

interface BatchPlace {
  readonly timestampMs: number
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
}

export function metadataBatch(entries: readonly MetadataRecord[], place: BatchPlace): Buffer {
  const { timestampMs: timestamp, ...header } = place
  return buildBatch({
    ...header,
    records: entries.map((entry) => ({ key: null, value: encodeRecord(entry), timestamp })),
  })
}

export function controlBatch(entries: readonly ControlRecordInput[], place: BatchPlace): Buffer {
  const { timestampMs: timestamp, ...header } = place
  return buildBatch({
    ...header,
    control: true,
    records: entries.map(({ type, value }) => {
      const key = Buffer.alloc(4)
      key.writeInt16BE(ControlRecordType[type], 2)
      return { key, value, timestamp }
    }),
  })
}

export function leaderChange(leaderId: number): ControlRecordInput {
  const voters = [{ voterId: leaderId }]
  const message = { version: 0, leaderId, voters, grantingVoters: voters }
  return { type: 'LEADER_CHANGE', value: encodeBody(LeaderChangeMessage, 0, message) }
}

export function snapshotHeader(lastContainedLogTimestamp: number): ControlRecordInput {
  const message = { version: 0, lastContainedLogTimestamp }
  return { type: 'SNAPSHOT_HEADER', value: encodeBody(SnapshotHeaderRecord, 0, message) }
}

export function snapshotFooter(): ControlRecordInput {
  return { type: 'SNAPSHOT_FOOTER', value: encodeBody(SnapshotFooterRecord, 0, { version: 0 }) }
}

/** The records of a quorum that has this one voter, as `kafka-storage format --standalone` does. */
export function standaloneQuorum(voter: {
  readonly voterId: number
  readonly directoryId: Uuid
  readonly listener: { readonly name: string; readonly host: string; readonly port: number }
}): QuorumRecords {
  return {
    kraftVersion: encodeBody(KRaftVersionRecord, 0, { version: 0, kRaftVersion: 1 }),
    voters: encodeBody(VotersRecord, 0, {
      version: 0,
      voters: [
        {
          voterId: voter.voterId,
          voterDirectoryId: voter.directoryId,
          endpoints: [voter.listener],
          kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
        },
      ],
    }),
  }
}

export function quorumControls({ kraftVersion, voters }: QuorumRecords): ControlRecordInput[] {
  const controls: ControlRecordInput[] = []
  if (kraftVersion) controls.push({ type: 'KRAFT_VERSION', value: kraftVersion })
  if (voters) controls.push({ type: 'KRAFT_VOTERS', value: voters })
  return controls
}

/** What a batch says, piece by piece. */
export interface MetadataVisitor {
  record(record: ReplayedRecord, offset: number): void
  control(type: string, value: Buffer, offset: number): void
}

/** Throws `ProtocolError` for what is no metadata, `KafkaError` for damage. */
export function visitBatch(batch: BatchView, visitor: MetadataVisitor): void {
  for (const record of records(batch)) {
    if (batch.isControl) {
      const { type, value } = parseControlRecord(record)
      // A copy: what is kept of it must outlive the buffer it was read into.
      visitor.control(type, Buffer.from(value), record.offset)
    } else {
      visitor.record(decodeRecord(Buffer.from(record.value ?? [])), record.offset)
    }
  }
}
