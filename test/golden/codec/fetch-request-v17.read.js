'use strict'
const { readInt64, writeInt64, putCompactString, putString, putUuid, putUvarint, REFERENCE_BYTES, noBytes } = helpers
return function readFetchRequestV17(r) {
  const { buffer, view, end } = r
  let p = r.position, n = 0
  if (end - p < 21) throw r.short("FetchRequest v17 maxWaitMs", 21, p)
  const maxWaitMs_1 = view.getInt32(p)
  const minBytes_1 = view.getInt32(p + 4)
  const maxBytes_1 = view.getInt32(p + 8)
  const isolationLevel_1 = view.getInt8(p + 12)
  const sessionId_1 = view.getInt32(p + 13)
  const sessionEpoch_1 = view.getInt32(p + 17)
  p += 21
  let topics_1
  r.position = p
  n = r.compactCount(18, "FetchRequest v17 topics")
  p = r.position
  if (n < 0) {
    throw r.invalid("FetchRequest v17 topics", 'is null, ending')
  } else {
    topics_1 = []
    for (let count_1 = n; count_1 > 0; count_1--) {
      if (end - p < 16) throw r.short("FetchRequest v17 topics.topicId", 16, p)
      const topicId_1 = buffer.latin1Slice(p, p + 16)
      p += 16
      let partitions_1
      r.position = p
      n = r.compactCount(33, "FetchRequest v17 topics.partitions")
      p = r.position
      if (n < 0) {
        throw r.invalid("FetchRequest v17 topics.partitions", 'is null, ending')
      } else {
        partitions_1 = []
        for (let count_2 = n; count_2 > 0; count_2--) {
          if (end - p < 32) throw r.short("FetchRequest v17 topics.partitions.partition", 32, p)
          const partition_1 = view.getInt32(p)
          const currentLeaderEpoch_1 = view.getInt32(p + 4)
          const fetchOffset_1 = readInt64(view, p + 8)
          const lastFetchedEpoch_1 = view.getInt32(p + 16)
          const logStartOffset_1 = readInt64(view, p + 20)
          const partitionMaxBytes_1 = view.getInt32(p + 28)
          p += 32
          let replicaDirectoryId_1
          replicaDirectoryId_1 = "\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000"
          if (p < end && buffer[p] === 0) {
            p++
          } else {
            r.position = p
            for (let tags_1 = r.uvarint("FetchRequest v17 topics.partitions tags"); tags_1 > 0; tags_1--) {
              const tag_1 = r.uvarint("FetchRequest v17 topics.partitions tags"), size_1 = r.uvarint("FetchRequest v17 topics.partitions tags")
              switch (tag_1) {
                case 0: {
                  p = r.position
                  if (end - p < 16) throw r.short("FetchRequest v17 topics.partitions.replicaDirectoryId", 16, p)
                  replicaDirectoryId_1 = buffer.latin1Slice(p, p + 16)
                  p += 16
                  r.position = p
                  break
                }
                case 1:
                  throw r.invalid("FetchRequest v17 topics.partitions tags", 'have one that this version lacks, ending')
                default: r.take(size_1, "FetchRequest v17 topics.partitions tags")
              }
            }
            p = r.position
          }
          partitions_1.push({ partition: partition_1, currentLeaderEpoch: currentLeaderEpoch_1, fetchOffset: fetchOffset_1, lastFetchedEpoch: lastFetchedEpoch_1, logStartOffset: logStartOffset_1, partitionMaxBytes: partitionMaxBytes_1, replicaDirectoryId: replicaDirectoryId_1, highWatermark: 9007199254740991 })
        }
      }
      if (p < end && buffer[p] === 0) {
        p++
      } else {
        r.position = p
        r.skipTags("FetchRequest v17 topics tags")
        p = r.position
      }
      topics_1.push({ topic: '', topicId: topicId_1, partitions: partitions_1 })
    }
  }
  let forgottenTopicsData_1
  r.position = p
  n = r.compactCount(18, "FetchRequest v17 forgottenTopicsData")
  p = r.position
  if (n < 0) {
    throw r.invalid("FetchRequest v17 forgottenTopicsData", 'is null, ending')
  } else {
    forgottenTopicsData_1 = []
    for (let count_3 = n; count_3 > 0; count_3--) {
      if (end - p < 16) throw r.short("FetchRequest v17 forgottenTopicsData.topicId", 16, p)
      const topicId_2 = buffer.latin1Slice(p, p + 16)
      p += 16
      let partitions_2
      r.position = p
      n = r.compactCount(4, "FetchRequest v17 forgottenTopicsData.partitions")
      p = r.position
      if (n < 0) {
        throw r.invalid("FetchRequest v17 forgottenTopicsData.partitions", 'is null, ending')
      } else {
        partitions_2 = []
        for (let count_4 = n; count_4 > 0; count_4--) {
          partitions_2.push(view.getInt32(p))
          p += 4
        }
      }
      if (p < end && buffer[p] === 0) {
        p++
      } else {
        r.position = p
        r.skipTags("FetchRequest v17 forgottenTopicsData tags")
        p = r.position
      }
      forgottenTopicsData_1.push({ topic: '', topicId: topicId_2, partitions: partitions_2 })
    }
  }
  let rackId_1
  r.position = p
  rackId_1 = r.compactString("FetchRequest v17 rackId")
  p = r.position
  let clusterId_1
  clusterId_1 = null
  let replicaState_1
  if (p < end && buffer[p] === 0) {
    p++
  } else {
    r.position = p
    for (let tags_2 = r.uvarint("FetchRequest v17 tags"); tags_2 > 0; tags_2--) {
      const tag_2 = r.uvarint("FetchRequest v17 tags"), size_2 = r.uvarint("FetchRequest v17 tags")
      switch (tag_2) {
        case 0: {
          p = r.position
          r.position = p
          clusterId_1 = r.nullableCompactString("FetchRequest v17 clusterId")
          p = r.position
          r.position = p
          break
        }
        case 1: {
          p = r.position
          if (end - p < 12) throw r.short("FetchRequest v17 replicaState.replicaId", 12, p)
          const replicaId_1 = view.getInt32(p)
          const replicaEpoch_1 = readInt64(view, p + 4)
          p += 12
          if (p < end && buffer[p] === 0) {
            p++
          } else {
            r.position = p
            r.skipTags("FetchRequest v17 replicaState tags")
            p = r.position
          }
          replicaState_1 = { replicaId: replicaId_1, replicaEpoch: replicaEpoch_1 }
          r.position = p
          break
        }
        default: r.take(size_2, "FetchRequest v17 tags")
      }
    }
    p = r.position
  }
  if (replicaState_1 === undefined) replicaState_1 = { replicaId: -1, replicaEpoch: -1 }
  r.position = p
  return { clusterId: clusterId_1, replicaId: -1, replicaState: replicaState_1, maxWaitMs: maxWaitMs_1, minBytes: minBytes_1, maxBytes: maxBytes_1, isolationLevel: isolationLevel_1, sessionId: sessionId_1, sessionEpoch: sessionEpoch_1, topics: topics_1, forgottenTopicsData: forgottenTopicsData_1, rackId: rackId_1 }
}

//# sourceURL=dohle:codec/FetchRequestV17.read.js
