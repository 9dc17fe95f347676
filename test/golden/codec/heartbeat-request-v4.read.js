'use strict'
const { readInt64, writeInt64, putCompactString, putString, putUuid, putUvarint, REFERENCE_BYTES, noBytes } = helpers
return function readHeartbeatRequestV4(r) {
  const { buffer, view, end } = r
  let p = r.position, n = 0
  let groupId_1
  r.position = p
  groupId_1 = r.compactString("HeartbeatRequest v4 groupId")
  p = r.position
  if (end - p < 4) throw r.short("HeartbeatRequest v4 generationId", 4, p)
  const generationId_1 = view.getInt32(p)
  p += 4
  let memberId_1
  r.position = p
  memberId_1 = r.compactString("HeartbeatRequest v4 memberId")
  p = r.position
  let groupInstanceId_1
  r.position = p
  groupInstanceId_1 = r.nullableCompactString("HeartbeatRequest v4 groupInstanceId")
  p = r.position
  if (p < end && buffer[p] === 0) {
    p++
  } else {
    r.position = p
    r.skipTags("HeartbeatRequest v4 tags")
    p = r.position
  }
  r.position = p
  return { groupId: groupId_1, generationId: generationId_1, memberId: memberId_1, groupInstanceId: groupInstanceId_1 }
}

//# sourceURL=dohle:codec/HeartbeatRequestV4.read.js
