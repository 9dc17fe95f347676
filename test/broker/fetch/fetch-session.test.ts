import { describe, expect, test } from 'vitest'
import type { PartitionData } from '../../../src/broker/fetch/fetch-read.ts'
import { FetchSessions, type SessionRequest } from '../../../src/broker/fetch/fetch-session.ts'

const NOW = 1_700_000_000_000
const INVALID_EPOCH = 71
const NOT_FOUND = 70
const TOPIC_ID_ERROR = 106

const wanted = (partition: number, fetchOffset = 0) => ({
  topic: 'orders',
  topicId: '',
  partition,
  currentLeaderEpoch: -1,
  fetchOffset,
  lastFetchedEpoch: -1,
  maxBytes: 1000,
})

function data(partition: number, change: Partial<PartitionData> = {}): PartitionData {
  return {
    partitionIndex: partition,
    errorCode: 0,
    highWatermark: 10,
    logStartOffset: 0,
    abortedTransactions: null,
    records: Buffer.alloc(0),
    ...change,
  }
}

const request = (change: Partial<SessionRequest>): SessionRequest => ({
  sessionId: 0,
  sessionEpoch: 0,
  byId: false,
  partitions: [],
  forgotten: [],
  ...change,
})

function openSession(sessions: FetchSessions, partitions: number[], nowMs = NOW): number {
  const full = request({ partitions: partitions.map((partition) => wanted(partition)) })
  const context = sessions.open(full, nowMs)
  const answer = context.answer(
    partitions.map((partition) => data(partition)),
    nowMs,
  )
  expect(answer.positions).toEqual(partitions.map((_, position) => position))
  return answer.sessionId
}

const sessionsOf = (maxSessions: number) => new FetchSessions(() => maxSessions)

describe('an incremental fetch', () => {
  test('reads all partitions of the session and tells only what is news', () => {
    const sessions = sessionsOf(10)
    const sessionId = openSession(sessions, [0, 1, 2, 3, 4])
    const context = sessions.open(request({ sessionId, sessionEpoch: 1 }), NOW)
    expect(context.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2, 3, 4])
    const { positions } = context.answer(
      [
        data(0),
        data(1, { highWatermark: 11 }),
        data(2, { logStartOffset: 3 }),
        data(3, { errorCode: 6 }),
        data(4, { records: Buffer.alloc(1) }),
      ],
      NOW,
    )
    expect(positions).toEqual([1, 2, 3, 4])
  })

  test('tells an error again, and the end of it', () => {
    const sessions = sessionsOf(10)
    const sessionId = openSession(sessions, [0])
    const told = [data(0, { errorCode: 6 }), data(0, { errorCode: 6 }), data(0), data(0)].map(
      (one, index) =>
        sessions.open(request({ sessionId, sessionEpoch: index + 1 }), NOW).answer([one], NOW)
          .positions.length,
    )
    expect(told).toEqual([1, 1, 1, 0])
  })

  test('replaces parameters, adds and forgets partitions', () => {
    const sessions = sessionsOf(10)
    const sessionId = openSession(sessions, [0, 1])
    const context = sessions.open(
      request({
        sessionId,
        sessionEpoch: 1,
        partitions: [wanted(1, 7), wanted(2)],
        forgotten: [{ topic: 'orders', topicId: '', partition: 0 }],
      }),
      NOW,
    )
    expect(
      context.partitions.map(({ partition, fetchOffset }) => [partition, fetchOffset]),
    ).toEqual([
      [1, 7],
      [2, 0],
    ])
  })

  test('moves partitions that gave records behind the others', () => {
    const sessions = sessionsOf(10)
    const sessionId = openSession(sessions, [0, 1, 2])
    sessions
      .open(request({ sessionId, sessionEpoch: 1 }), NOW)
      .answer([data(0, { records: Buffer.alloc(5) }), data(1), data(2)], NOW)
    const context = sessions.open(request({ sessionId, sessionEpoch: 2 }), NOW)
    expect(context.partitions.map(({ partition }) => partition)).toEqual([1, 2, 0])
  })

  test('that forgets the last partition ends the session', () => {
    const sessions = sessionsOf(10)
    const sessionId = openSession(sessions, [0])
    const forgotten = [{ topic: 'orders', topicId: '', partition: 0 }]
    const context = sessions.open(request({ sessionId, sessionEpoch: 1, forgotten }), NOW)
    expect(context.answer([], NOW)).toEqual({ errorCode: 0, sessionId: 0, positions: [] })
    expect(sessions.size).toBe(0)
  })

  test('fails when another request moved the session on before it was answered', () => {
    const sessions = sessionsOf(10)
    const sessionId = openSession(sessions, [0])
    const slow = sessions.open(request({ sessionId, sessionEpoch: 1 }), NOW)
    sessions.open(request({ sessionId, sessionEpoch: 2 }), NOW)
    expect(slow.answer([data(0)], NOW)).toMatchObject({ errorCode: INVALID_EPOCH, positions: [] })
  })
})

describe('a session that cannot be used', () => {
  test.each([
    ['unknown id', { sessionId: 12, sessionEpoch: 1 }, NOT_FOUND],
    ['no id', { sessionId: 0, sessionEpoch: 1 }, NOT_FOUND],
    ['negative id', { sessionId: -5, sessionEpoch: 3 }, NOT_FOUND],
  ])('%s', (_name, ids, errorCode) => {
    expect(sessionsOf(10).open(request(ids), NOW).errorCode).toBe(errorCode)
  })

  test('wrong epoch; topics named the other way, which does not move the epoch', () => {
    const sessions = sessionsOf(10)
    const sessionId = openSession(sessions, [0])
    const codes = [
      { sessionEpoch: 2, byId: false },
      { sessionEpoch: 1, byId: true },
      { sessionEpoch: 2, byId: false },
      { sessionEpoch: 1, byId: false },
    ].map((change) => sessions.open(request({ sessionId, ...change }), NOW).errorCode)
    expect(codes).toEqual([INVALID_EPOCH, TOPIC_ID_ERROR, INVALID_EPOCH, 0])
  })
})

describe('a full fetch', () => {
  test('with epoch -1 has no session, and ends the one it names', () => {
    const sessions = sessionsOf(10)
    const sessionId = openSession(sessions, [0])
    const context = sessions.open(
      request({ sessionId, sessionEpoch: -1, partitions: [wanted(0)] }),
      NOW,
    )
    expect(context.answer([data(0)], NOW)).toEqual({ errorCode: 0, sessionId: 0, positions: [0] })
    expect(sessions.size).toBe(0)
  })

  test('with epoch 0 replaces the session it names, also without partitions', () => {
    const sessions = sessionsOf(10)
    const first = openSession(sessions, [0])
    const second = sessions.open(request({ sessionId: first }), NOW).answer([], NOW).sessionId
    expect(second).toBeGreaterThan(0)
    expect(second).not.toBe(first)
    expect(sessions.size).toBe(1)
  })

  test('reads a partition that is listed twice once, with its last offset', () => {
    const partitions = [wanted(0, 1), wanted(1, 2), wanted(0, 3)]
    for (const sessionEpoch of [0, -1]) {
      const context = sessionsOf(10).open(request({ sessionEpoch, partitions }), NOW)
      expect(
        context.partitions.map(({ partition, fetchOffset }) => [partition, fetchOffset]),
      ).toEqual([
        [0, 3],
        [1, 2],
      ])
    }
  })
})

describe('a full house', () => {
  test('takes no more sessions while all are fresh', () => {
    const sessions = sessionsOf(2)
    openSession(sessions, [0])
    openSession(sessions, [0])
    expect(openSession(sessions, [0, 1, 2])).toBe(0)
  })

  test('pushes out the one that was not used for two minutes', () => {
    const sessions = sessionsOf(2)
    const stale = openSession(sessions, [0, 1, 2])
    const used = openSession(sessions, [0, 1, 2], NOW + 100_000)
    expect(openSession(sessions, [0], NOW + 120_001)).toBeGreaterThan(0)
    expect(sessions.open(request({ sessionId: stale, sessionEpoch: 1 }), NOW).errorCode).toBe(
      NOT_FOUND,
    )
    expect(sessions.open(request({ sessionId: used, sessionEpoch: 1 }), NOW).errorCode).toBe(0)
  })

  test('pushes out an old one that is smaller', () => {
    const sessions = sessionsOf(1)
    const sessionId = openSession(sessions, [0])
    const later = NOW + 120_001
    sessions.open(request({ sessionId, sessionEpoch: 1 }), later)
    expect(openSession(sessions, [0], later)).toBe(0)
    expect(openSession(sessions, [0, 1], later)).toBeGreaterThan(0)
  })
})
