import type { RecordSettings } from '../protocol/records/validate.ts'
import type { TopicConfig } from '../settings/topic-settings.ts'

const known = new WeakMap<TopicConfig, RecordSettings>()

/** What a topic's configs say about its batches; made once per set of configs. */
export function recordSettings(config: TopicConfig): RecordSettings {
  let settings = known.get(config)
  if (!settings) {
    settings = resolve(config)
    known.set(config, settings)
  }
  return settings
}

function resolve(config: TopicConfig): RecordSettings {
  return {
    compacted: config.cleanupPolicy.includes('compact'),
    maxMessageBytes: config.maxMessageBytes,
    timestampType: config.messageTimestampType === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    timestampBeforeMaxMs: config.messageTimestampBeforeMaxMs,
    timestampAfterMaxMs: config.messageTimestampAfterMaxMs,
    ...compression(config),
  }
}

function compression(
  config: TopicConfig,
): Pick<RecordSettings, 'compressionType' | 'compressionLevel'> {
  const { compressionType } = config
  switch (compressionType) {
    case 'gzip':
      return { compressionType, compressionLevel: config.compressionGzipLevel }
    case 'lz4':
      return { compressionType, compressionLevel: config.compressionLz4Level }
    case 'zstd':
      return { compressionType, compressionLevel: config.compressionZstdLevel }
    case 'snappy':
    case 'uncompressed':
      return { compressionType }
    default:
      return { compressionType: 'producer' }
  }
}
