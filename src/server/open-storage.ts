import { resolve } from 'node:path'
import { LiveSettings } from '../broker/configs/live-settings.ts'
import { logFolders } from '../settings/log-folders.ts'
import type { Settings } from '../settings/settings.ts'
import type { CleanerSettings } from '../storage/local/cleaner.ts'
import { LocalEngine } from '../storage/local/local-engine.ts'
import type { LocalEngineOptions } from '../storage/local/local-engine-options.ts'
import type { Durability } from '../storage/local/log-environment.ts'
import { MemoryFiles } from '../storage/local/memory-files.ts'
import { MetadataLog } from '../storage/local/metadata-log.ts'
import { NodeFiles } from '../storage/local/node-files.ts'
import type { MoveSettings } from '../storage/local/partition-moves.ts'
import { defaultOpenFilesMax } from './open-files-max.ts'
import type { RunBrokerOptions } from './run-broker.ts'

/** Where data in memory is, as far as paths go. */
export const MEMORY_DIRECTORY = '/data'

/** What all brokers of the process stand on. */
export interface Storage {
  readonly engine: LocalEngine
  /** Of the first broker. */
  readonly live: LiveSettings
  close(): Promise<void>
}

export async function openStorage(
  options: RunBrokerOptions,
  directoryFailed: LocalEngineOptions['directoryFailed'],
): Promise<Storage> {
  const { settings, clock, log, clusterId } = options
  const brokerId = settings.nodeId
  let live: LiveSettings | undefined
  const [dataDir, ...otherDataDirs] = dataDirectories(settings)
  const metadataDir = metadataDirectory(settings)
  const engine = new LocalEngine(
    options.files ?? (settings.memory ? new MemoryFiles(() => clock.nowMs()) : new NodeFiles()),
    {
      dataDir: dataDir!,
      otherDataDirs,
      ...(metadataDir !== undefined && { metadataDir }),
      clusterId,
      durability: durability(settings),
      retentionCheckIntervalMs: settings.logRetentionCheckIntervalMs,
      initialTaskDelayMs: settings.logInitialTaskDelayMs,
      checkpointIntervalMs: settings.logFlushOffsetCheckpointIntervalMs,
      producerIdExpirationMs: settings.producerIdExpirationMs,
      producerIdExpirationCheckIntervalMs: settings.producerIdExpirationCheckIntervalMs,
      producerIdsMax: settings.producerIdsMax,
      openFilesMax: settings.openFilesMax || defaultOpenFilesMax(),
      // The broker's, as in Kafka: the config of a topic goes with the topic.
      fileDeleteDelayMs: () => settings.logSegmentDeleteDelayMs,
      cleanerEnabled: settings.logCleanerEnable,
      cleanerSettings: () => cleanerSettings(settings),
      moveSettings: () => moveSettings(settings),
      ...(directoryFailed && { directoryFailed }),
      async openMetadata(start) {
        const metadata = await MetadataLog.open(start, {
          snapshotBytes: settings.metadataLogMaxRecordBytesBetweenSnapshots,
          segmentBytes: settings.metadataLogSegmentBytes,
        })
        live = new LiveSettings({ settings, metadata, brokerId })
        return metadata
      },
    },
    {
      brokerId,
      clock,
      topicConfig: (topicId) => {
        const config = live!.logConfig(topicId)
        // A disk has holes in files, memory does not.
        return config.preallocate && settings.memory ? { ...config, preallocate: false } : config
      },
      report: (level, message, fields = {}) => log[level](fields, message),
    },
  )
  await engine.open()
  return {
    engine,
    live: live!,
    async close() {
      live!.close()
      await engine.close()
    },
  }
}

function moveSettings(settings: Settings): MoveSettings {
  return {
    threads: Math.max(1, settings.numReplicaAlterLogDirsThreads ?? logFolders(settings).length),
    bytesPerSecond: settings.replicaAlterLogDirsIoMaxBytesPerSecond,
  }
}

function cleanerSettings(settings: Settings): CleanerSettings {
  return {
    threads: settings.logCleanerThreads,
    dedupeBufferBytes: settings.logCleanerDedupeBufferSize,
    ioBufferBytes: settings.logCleanerIoBufferSize,
    ioBufferLoadFactor: settings.logCleanerIoBufferLoadFactor,
    ioBytesPerSecond: settings.logCleanerIoMaxBytesPerSecond,
    backoffMs: settings.logCleanerBackoffMs,
  }
}

/** Absolute, in the order of log.dirs. In memory there is one. */
export function dataDirectories(settings: Settings): string[] {
  if (settings.memory) return [MEMORY_DIRECTORY]
  return logFolders(settings).map((folder) => resolve(folder))
}

function metadataDirectory({ memory, metadataLogDir }: Settings): string | undefined {
  return memory || metadataLogDir === null ? undefined : resolve(metadataLogDir)
}

function durability(settings: Settings): Durability {
  switch (settings.durability) {
    case 'sync':
      return { mode: 'sync' }
    case 'interval':
      return { mode: 'interval', intervalMs: settings.durabilityIntervalMs }
    default:
      return { mode: 'os' }
  }
}
