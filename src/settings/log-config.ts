import type { TopicConfig } from './topic-settings.ts'

/** What the log of a topic goes by. */
export function logConfig(topic: TopicConfig) {
  return {
    segmentBytes: topic.internalSegmentBytes ?? topic.segmentBytes,
    segmentMs: topic.segmentMs,
    segmentJitterMs: topic.segmentJitterMs,
    segmentIndexBytes: topic.segmentIndexBytes,
    indexIntervalBytes: topic.indexIntervalBytes,
    retentionMs: topic.retentionMs,
    retentionBytes: topic.retentionBytes,
    cleanupDelete: topic.cleanupPolicy.includes('delete'),
    cleanupCompact: topic.cleanupPolicy.includes('compact'),
    deleteRetentionMs: topic.deleteRetentionMs,
    minCompactionLagMs: topic.minCompactionLagMs,
    maxCompactionLagMs: topic.maxCompactionLagMs,
    minCleanableDirtyRatio: topic.minCleanableDirtyRatio,
    fileDeleteDelayMs: topic.fileDeleteDelayMs,
    flushMessages: topic.flushMessages,
    flushMs: topic.flushMs,
    preallocate: topic.preallocate,
  }
}
