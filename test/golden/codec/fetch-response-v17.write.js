'use strict'
const { readInt64, writeInt64, putCompactString, putString, putUuid, putUvarint, REFERENCE_BYTES, noBytes } = helpers
function tag0_0(w, v) {
  let { buffer, view, limit, position: p } = w, n = 0
  n = 5
  if (limit - p < n) {
    w.position = p
    w.reserve(n)
    buffer = w.buffer, view = w.view, limit = w.limit, p = w.position
  }
  {
    p = putUvarint(buffer, p, v.length + 1)
    for (let index_1 = 0; index_1 < v.length; index_1++) {
      const item_1 = v[index_1]
      let nodeId_1 = item_1.nodeId
      let host_1 = item_1.host
      let port_1 = item_1.port
      let rack_1 = item_1.rack
      if (rack_1 === undefined) rack_1 = null
      n = 19 + 3 * host_1.length + (rack_1 === null ? 0 : 3 * rack_1.length)
      if (limit - p < n) {
        w.position = p
        w.reserve(n)
        buffer = w.buffer, view = w.view, limit = w.limit, p = w.position
      }
      view.setInt32(p, nodeId_1)
      p += 4
      p = putCompactString(buffer, p, host_1)
      view.setInt32(p, port_1)
      p += 4
      if (rack_1 === null) buffer[p++] = 0
      else p = putCompactString(buffer, p, rack_1)
      buffer[p++] = 0
    }
  }
  w.position = p
}
return function writeFetchResponseV17(w, v) {
  let { buffer, view, limit, position: p } = w, n = 0
  let throttleTimeMs_1 = v.throttleTimeMs
  if (throttleTimeMs_1 === undefined) throttleTimeMs_1 = 0
  let errorCode_1 = v.errorCode
  if (errorCode_1 === undefined) errorCode_1 = 0
  let sessionId_1 = v.sessionId
  if (sessionId_1 === undefined) sessionId_1 = 0
  let responses_1 = v.responses
  n = 15
  if (limit - p < n) {
    w.position = p
    w.reserve(n)
    buffer = w.buffer, view = w.view, limit = w.limit, p = w.position
  }
  view.setInt32(p, throttleTimeMs_1)
  p += 4
  view.setInt16(p, errorCode_1)
  p += 2
  view.setInt32(p, sessionId_1)
  p += 4
  {
    p = putUvarint(buffer, p, responses_1.length + 1)
    for (let index_1 = 0; index_1 < responses_1.length; index_1++) {
      const item_1 = responses_1[index_1]
      let topicId_1 = item_1.topicId
      if (topicId_1 === undefined) topicId_1 = "\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000"
      let partitions_1 = item_1.partitions
      n = 21
      if (limit - p < n) {
        w.position = p
        w.reserve(n)
        buffer = w.buffer, view = w.view, limit = w.limit, p = w.position
      }
      putUuid(buffer, p, topicId_1)
      p += 16
      {
        p = putUvarint(buffer, p, partitions_1.length + 1)
        for (let index_2 = 0; index_2 < partitions_1.length; index_2++) {
          const item_2 = partitions_1[index_2]
          let partitionIndex_1 = item_2.partitionIndex
          let errorCode_2 = item_2.errorCode
          let highWatermark_1 = item_2.highWatermark
          let lastStableOffset_1 = item_2.lastStableOffset
          if (lastStableOffset_1 === undefined) lastStableOffset_1 = -1
          let logStartOffset_1 = item_2.logStartOffset
          if (logStartOffset_1 === undefined) logStartOffset_1 = -1
          let abortedTransactions_1 = item_2.abortedTransactions
          if (abortedTransactions_1 === undefined) abortedTransactions_1 = null
          n = 35 + (abortedTransactions_1 === null ? 0 : 17 * abortedTransactions_1.length)
          if (limit - p < n) {
            w.position = p
            w.reserve(n)
            buffer = w.buffer, view = w.view, limit = w.limit, p = w.position
          }
          view.setInt32(p, partitionIndex_1)
          p += 4
          view.setInt16(p, errorCode_2)
          p += 2
          writeInt64(view, p, highWatermark_1)
          p += 8
          writeInt64(view, p, lastStableOffset_1)
          p += 8
          writeInt64(view, p, logStartOffset_1)
          p += 8
          if (abortedTransactions_1 === null) buffer[p++] = 0
          else {
            p = putUvarint(buffer, p, abortedTransactions_1.length + 1)
            for (let index_3 = 0; index_3 < abortedTransactions_1.length; index_3++) {
              const item_3 = abortedTransactions_1[index_3]
              let producerId_1 = item_3.producerId
              let firstOffset_1 = item_3.firstOffset
              writeInt64(view, p, producerId_1)
              p += 8
              writeInt64(view, p, firstOffset_1)
              p += 8
              buffer[p++] = 0
            }
          }
          let preferredReadReplica_1 = item_2.preferredReadReplica
          if (preferredReadReplica_1 === undefined) preferredReadReplica_1 = -1
          let records_1 = item_2.records
          n = 10 + (records_1 === null ? 0 : (records_1.length < REFERENCE_BYTES ? records_1.length : 0))
          if (limit - p < n) {
            w.position = p
            w.reserve(n)
            buffer = w.buffer, view = w.view, limit = w.limit, p = w.position
          }
          view.setInt32(p, preferredReadReplica_1)
          p += 4
          if (records_1 === null) buffer[p++] = 0
          else {
            p = putUvarint(buffer, p, records_1.length + 1)
            if (records_1.length < REFERENCE_BYTES) buffer.set(records_1, p), p += records_1.length
            else w.position = p, w.refer(records_1)
          }
          let tags_1 = 0
          const divergingEpoch_1 = item_2.divergingEpoch
          const divergingEpochIsSent_1 = divergingEpoch_1 !== undefined && ((divergingEpoch_1.epoch !== undefined && divergingEpoch_1.epoch !== -1) || (divergingEpoch_1.endOffset !== undefined && divergingEpoch_1.endOffset !== -1))
          if (divergingEpochIsSent_1) tags_1++
          const currentLeader_1 = item_2.currentLeader
          const currentLeaderIsSent_1 = currentLeader_1 !== undefined && ((currentLeader_1.leaderId !== undefined && currentLeader_1.leaderId !== -1) || (currentLeader_1.leaderEpoch !== undefined && currentLeader_1.leaderEpoch !== -1))
          if (currentLeaderIsSent_1) tags_1++
          const snapshotId_1 = item_2.snapshotId
          const snapshotIdIsSent_1 = snapshotId_1 !== undefined && ((snapshotId_1.endOffset !== undefined && snapshotId_1.endOffset !== -1) || (snapshotId_1.epoch !== undefined && snapshotId_1.epoch !== -1))
          if (snapshotIdIsSent_1) tags_1++
          buffer[p++] = tags_1
          if (divergingEpochIsSent_1) {
            let epoch_1 = divergingEpoch_1.epoch
            if (epoch_1 === undefined) epoch_1 = -1
            let endOffset_1 = divergingEpoch_1.endOffset
            if (endOffset_1 === undefined) endOffset_1 = -1
            n = 15
            if (limit - p < n) {
              w.position = p
              w.reserve(n)
              buffer = w.buffer, view = w.view, limit = w.limit, p = w.position
            }
            buffer[p++] = 0
            buffer[p++] = 13
            view.setInt32(p, epoch_1)
            p += 4
            writeInt64(view, p, endOffset_1)
            p += 8
            buffer[p++] = 0
          }
          if (currentLeaderIsSent_1) {
            let leaderId_1 = currentLeader_1.leaderId
            if (leaderId_1 === undefined) leaderId_1 = -1
            let leaderEpoch_1 = currentLeader_1.leaderEpoch
            if (leaderEpoch_1 === undefined) leaderEpoch_1 = -1
            n = 11
            if (limit - p < n) {
              w.position = p
              w.reserve(n)
              buffer = w.buffer, view = w.view, limit = w.limit, p = w.position
            }
            buffer[p++] = 1
            buffer[p++] = 9
            view.setInt32(p, leaderId_1)
            p += 4
            view.setInt32(p, leaderEpoch_1)
            p += 4
            buffer[p++] = 0
          }
          if (snapshotIdIsSent_1) {
            let endOffset_2 = snapshotId_1.endOffset
            if (endOffset_2 === undefined) endOffset_2 = -1
            let epoch_2 = snapshotId_1.epoch
            if (epoch_2 === undefined) epoch_2 = -1
            n = 15
            if (limit - p < n) {
              w.position = p
              w.reserve(n)
              buffer = w.buffer, view = w.view, limit = w.limit, p = w.position
            }
            buffer[p++] = 2
            buffer[p++] = 13
            writeInt64(view, p, endOffset_2)
            p += 8
            view.setInt32(p, epoch_2)
            p += 4
            buffer[p++] = 0
          }
        }
      }
      n = 1
      if (limit - p < n) {
        w.position = p
        w.reserve(n)
        buffer = w.buffer, view = w.view, limit = w.limit, p = w.position
      }
      buffer[p++] = 0
    }
  }
  n = 1
  if (limit - p < n) {
    w.position = p
    w.reserve(n)
    buffer = w.buffer, view = w.view, limit = w.limit, p = w.position
  }
  let tags_2 = 0
  const nodeEndpoints_1 = v.nodeEndpoints
  const nodeEndpointsIsSent_1 = nodeEndpoints_1 !== undefined && nodeEndpoints_1.length !== 0
  if (nodeEndpointsIsSent_1) tags_2++
  buffer[p++] = tags_2
  if (nodeEndpointsIsSent_1) {
    w.position = p
    w.tagged(0, nodeEndpoints_1, tag0_0)
    buffer = w.buffer, view = w.view, limit = w.limit, p = w.position
  }
  w.position = p
}

//# sourceURL=dohle:codec/FetchResponseV17.write.js
