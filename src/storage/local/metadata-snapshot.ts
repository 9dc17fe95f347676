import { batches } from '../../protocol/records/batch.ts'
import type { ReplayedRecord } from '../metadata-record.ts'
import type { Files } from './files.ts'
import { replaceFileDurably } from './files.ts'
import {
  controlBatch,
  type MetadataVisitor,
  metadataBatch,
  type QuorumRecords,
  quorumControls,
  snapshotFooter,
  snapshotHeader,
  visitBatch,
} from './metadata-batches.ts'

/** A snapshot holds the state before `endOffset`; `epoch` is that of the last record in it. */
export interface SnapshotId {
  readonly endOffset: number
  readonly epoch: number
}

export const BOOTSTRAP_FILE = 'bootstrap.checkpoint'
const SUFFIX = '.checkpoint'
const OFFSET_DIGITS = 20
const EPOCH_DIGITS = 10
/** Kafka reads snapshots batch by batch; this keeps them well below its largest one. */
const RECORDS_PER_BATCH = 1000

export function snapshotName({ endOffset, epoch }: SnapshotId): string {
  const offset = String(endOffset).padStart(OFFSET_DIGITS, '0')
  return `${offset}-${String(epoch).padStart(EPOCH_DIGITS, '0')}${SUFFIX}`
}

/** Undefined for any other name, such as that of a snapshot still being written. */
function parseSnapshotName(name: string): SnapshotId | undefined {
  const [, offset, epoch] = /^(\d{20})-(\d{10})\.checkpoint$/.exec(name) ?? []
  if (offset === undefined || epoch === undefined) return undefined
  return { endOffset: Number(offset), epoch: Number(epoch) }
}

/** Newest first. */
export function listSnapshots(files: Files, directory: string): SnapshotId[] {
  if (!files.stat(directory)) return []
  const ids = files.list(directory).map(({ name }) => parseSnapshotName(name))
  return ids
    .filter((id) => id !== undefined)
    .sort((a, b) => b.endOffset - a.endOffset || b.epoch - a.epoch)
}

export interface SnapshotContent {
  readonly records: Iterable<ReplayedRecord>
  readonly quorum: QuorumRecords
  readonly lastTimestampMs: number
}

/** The bytes of a snapshot file (KIP-630). Its own offsets count from 0. */
export function encodeSnapshot(
  { records, quorum, lastTimestampMs }: SnapshotContent,
  { epoch, nowMs }: { epoch: number; nowMs: number },
): Buffer {
  let baseOffset = 0
  const place = (count: number) => {
    const at = { timestampMs: nowMs, partitionLeaderEpoch: epoch, baseOffset }
    baseOffset += count
    return at
  }
  const head = [snapshotHeader(lastTimestampMs), ...quorumControls(quorum)]
  const parts = [controlBatch(head, place(head.length))]
  let pending: ReplayedRecord[] = []
  const flush = () => {
    if (pending.length > 0) parts.push(metadataBatch(pending, place(pending.length)))
    pending = []
  }
  for (const record of records) {
    pending.push(record)
    if (pending.length === RECORDS_PER_BATCH) flush()
  }
  flush()
  parts.push(controlBatch([snapshotFooter()], place(1)))
  return Buffer.concat(parts)
}

/** Reads a snapshot file. Throws when it is damaged or ends without its footer. */
export function visitSnapshot(bytes: Buffer, visitor: MetadataVisitor): void {
  let isWhole = false
  for (const batch of batches(bytes)) {
    batch.ensureValid()
    visitBatch(batch, {
      record: (record, offset) => visitor.record(record, offset),
      control: (type, value, offset) => {
        if (type === 'SNAPSHOT_FOOTER') isWhole = true
        visitor.control(type, value, offset)
      },
    })
  }
  if (!isWhole) throw new Error('the snapshot ends before its footer')
}

export async function writeSnapshot(
  files: Files,
  directory: string,
  id: SnapshotId,
  content: Buffer,
): Promise<void> {
  files.makeDirectory(directory)
  await replaceFileDurably(files, `${directory}/${snapshotName(id)}`, content)
}
