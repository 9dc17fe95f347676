import type { MetadataRecord } from '../metadata-record.ts'
import { ConfigResourceType } from '../metadata-store.ts'
import { type Files, replaceFileDurably } from './files.ts'
import { controlBatch, metadataBatch, snapshotFooter, snapshotHeader } from './metadata-batches.ts'
import { BOOTSTRAP_FILE } from './metadata-snapshot.ts'

/** Levels of a directory that Kafka 4.3 has formatted (admin-and-config.md section 8). */
const defaultFeatures: ReadonlyMap<string, number> = new Map([
  ['metadata.version', 30],
  ['eligible.leader.replicas.version', 1],
  ['group.version', 1],
  ['share.version', 1],
  ['streams.version', 1],
  ['transaction.version', 2],
])

function featureRecords(features: ReadonlyMap<string, number> | undefined): MetadataRecord[] {
  return Array.from(features ?? defaultFeatures, ([name, featureLevel]) => ({
    type: 'FeatureLevelRecord',
    value: { name, featureLevel },
  }))
}

/** The first transaction of a new log, as Kafka's controller writes it. */
export function bootstrapRecords(
  features: ReadonlyMap<string, number> | undefined,
): MetadataRecord[] {
  return [
    { type: 'BeginTransactionRecord', value: { name: 'Bootstrap records' } },
    ...featureRecords(features),
    // With eligible leader replicas this must be the same on all brokers (KIP-966).
    {
      type: 'ConfigRecord',
      value: {
        resourceType: ConfigResourceType.BROKER,
        resourceName: '',
        name: 'min.insync.replicas',
        value: '1',
      },
    },
    { type: 'EndTransactionRecord', value: {} },
  ]
}

/** `bootstrap.checkpoint` beside the metadata log: what a controller begins with. */
export async function writeBootstrapFile(
  files: Files,
  directory: string,
  { features, nowMs }: { features: ReadonlyMap<string, number> | undefined; nowMs: number },
): Promise<void> {
  const entries = featureRecords(features)
  const place = (baseOffset: number) => ({
    timestampMs: nowMs,
    partitionLeaderEpoch: 0,
    baseOffset,
  })
  const bytes = Buffer.concat([
    controlBatch([snapshotHeader(0)], place(0)),
    metadataBatch(entries, place(1)),
    controlBatch([snapshotFooter()], place(1 + entries.length)),
  ])
  const parent = directory.slice(0, directory.lastIndexOf('/'))
  await replaceFileDurably(files, `${parent}/${BOOTSTRAP_FILE}`, bytes)
}
