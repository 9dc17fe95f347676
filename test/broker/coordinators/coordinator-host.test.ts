import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../src/base/clock.ts'
import { TimerQueue } from '../../../src/base/timer-queue.ts'
import { CoordinatorHost } from '../../../src/broker/coordinators/coordinator-host.ts'
import type { Coordinator } from '../../../src/broker/coordinators/coordinator-partition.ts'
import {
  type Effect,
  forget,
  type RecordOrigin,
  type ReplyTo,
  reply,
  wake,
} from '../../../src/coordinator/effect.ts'
import { ErrorCode, KafkaError } from '../../../src/protocol/error-code.ts'
import { MemoryCoordinatorStore } from '../../coordinator/memory-coordinator-store.ts'
import { type LogLine, recordingLogger } from '../../server/toy.ts'

/** Remembers words; says how many there are, and when it was woken. */
class WordCoordinator implements Coordinator<string> {
  readonly words: string[] = []
  readonly origins: RecordOrigin[] = []
  readonly woken: string[] = []
  readonly ended: string[] = []
  readonly waiting: ReplyTo<string>[] = []

  replay(word: string, origin: RecordOrigin): void {
    this.words.push(word)
    this.origins.push(origin)
  }
  replayMarker(producerId: number, result: 'commit' | 'abort'): void {
    this.ended.push(`${producerId} ${result}`)
  }
  loaded(nowMs: number): Effect<string>[] {
    return [wake('all', 'loaded', nowMs + 1)]
  }
  unloaded(): Effect<string>[] {
    return this.waiting.map((to) => reply(to, 'gone'))
  }
  wake(owner: string, timer: string, nowMs: number): Effect<string>[] {
    this.woken.push(`${owner}/${timer}@${nowMs}`)
    return []
  }

  add(words: readonly string[], to: ReplyTo<string>, atomic = true): Effect<string>[] {
    return [
      {
        type: 'append',
        records: words,
        atomic,
        committed: () => [reply(to, `${this.words.length} words`)],
        failed: (errorCode) => [reply(to, `failed ${errorCode}`)],
      },
    ]
  }
}

function setUp({ batchBytesMax = 1_000_000 } = {}) {
  const clock = new VirtualClock(0)
  const timers = new TimerQueue(clock)
  const store = new MemoryCoordinatorStore()
  const lines: LogLine[] = []
  const deferred: (() => void)[] = []
  const host = new CoordinatorHost<WordCoordinator, string>({
    store,
    clock,
    timers,
    log: recordingLogger(lines),
    create: () => new WordCoordinator(),
    encode: (word) => ({ key: Buffer.from(word), value: null }),
    decode: ({ key }) => (key.length === 0 ? undefined : Buffer.from(key).toString()),
    batchBytesMax: () => batchBytesMax,
    defer: (callback) => deferred.push(callback),
  })
  /** The turn of the event loop in which sockets are read is over. */
  const read = () => {
    for (const callback of deferred.splice(0)) callback()
  }
  const add = (...words: string[]) =>
    host.submit<string>(0, (coordinator, to) => coordinator.add(words, to))
  return { clock, timers, store, lines, host, read, add }
}

describe('a coordinator partition', () => {
  test('is refused until it is loaded, and knows then what was stored', async () => {
    const { host, store, add, lines } = setUp()
    expect(() => add('a')).toThrow(new KafkaError('NOT_COORDINATOR'))
    await store.append(0, [word('x'), word(''), word('y')], { nowMs: 0 })
    await store.append(0, [word('z')], { nowMs: 0, producer: { producerId: 7, producerEpoch: 0 } })
    store.appendMarker(7, 'commit', 0)
    const loading = host.load(0)
    expect(() => add('a')).toThrow(new KafkaError('COORDINATOR_LOAD_IN_PROGRESS'))
    expect(host.isLoading(0)).toBe(true)
    await loading
    const coordinator = host.read(0)
    expect(coordinator.words).toEqual(['x', 'y', 'z'])
    expect(coordinator.origins).toEqual([
      { offset: 0, producerId: -1 },
      { offset: 2, producerId: -1 },
      { offset: 3, producerId: 7 },
    ])
    expect(coordinator.ended).toEqual(['7 commit'])
    expect(lines.map(({ message }) => message)).toEqual(['record of an unknown kind skipped'])
  })

  test('answers at once when the store does', async () => {
    const { host, add } = setUp()
    await host.load(0)
    expect(add('a', 'b')).toBe('2 words')
  })

  test('takes one input after the other: the next one sees what the one before stored', async () => {
    const { host, store, add } = setUp()
    await host.load(0)
    store.slow = true
    const first = add('a')
    const seen: string[] = []
    const second = host.submit<string>(0, (coordinator, to) => {
      seen.push(...coordinator.words)
      return coordinator.add(['b'], to)
    })
    expect(store.batches).toHaveLength(1)
    expect(host.read(0).words).toEqual([])
    store.release()
    expect(await first).toBe('1 words')
    await turn()
    expect(seen).toEqual(['a'])
    store.release()
    expect(await second).toBe('2 words')
  })

  test('maps what an append fails with to what clients of coordinators know', async () => {
    const { host, store, add } = setUp()
    await host.load(0)
    const mapped = [
      ['UNKNOWN_TOPIC_OR_PARTITION', 'COORDINATOR_NOT_AVAILABLE'],
      ['NOT_ENOUGH_REPLICAS', 'COORDINATOR_NOT_AVAILABLE'],
      ['REQUEST_TIMED_OUT', 'COORDINATOR_NOT_AVAILABLE'],
      ['NOT_LEADER_OR_FOLLOWER', 'NOT_COORDINATOR'],
      ['KAFKA_STORAGE_ERROR', 'NOT_COORDINATOR'],
      ['MESSAGE_TOO_LARGE', 'UNKNOWN_SERVER_ERROR'],
      ['RECORD_LIST_TOO_LARGE', 'UNKNOWN_SERVER_ERROR'],
      ['INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_EPOCH'],
    ] as const
    for (const [failure, answered] of mapped) {
      store.failNext = ErrorCode[failure]
      expect(add('a')).toBe(`failed ${ErrorCode[answered]}`)
    }
    expect(host.read(0).words).toEqual([])
  })

  test('a batch that is too large fails, or is split when it may be', async () => {
    const { host, store, add } = setUp({ batchBytesMax: 200 })
    await host.load(0)
    const words = ['aaaaaaaa', 'bbbbbbbb', 'cccccccc', 'dddddddd']
    expect(add(...words)).toBe(`failed ${ErrorCode.UNKNOWN_SERVER_ERROR}`)
    expect(store.batches).toEqual([])
    expect(host.submit(0, (one, to: ReplyTo<string>) => one.add(words, to, false))).toBe('4 words')
    expect(store.batches.map(({ records }) => records.length)).toEqual([3, 1])
    expect(add('x'.repeat(300))).toBe(`failed ${ErrorCode.UNKNOWN_SERVER_ERROR}`)
  })

  test('a bug in one input is its own: it is reported, and the next input is served', async () => {
    const { host, store, add, lines } = setUp()
    await host.load(0)
    const broken = () =>
      host.submit(0, () => {
        throw new Error('bug')
      })
    expect(broken).toThrow('bug')
    store.slow = true
    const before = add('a')
    const queued = broken()
    const after = add('b')
    store.release()
    await expect(queued).rejects.toThrow('bug')
    expect(await before).toBe('1 words')
    store.release()
    expect(await after).toBe('2 words')
    expect(lines.map(({ message }) => message)).toEqual(Array(2).fill('coordinator input failed'))
  })

  test('that is given up answers those who wait, and takes no more', async () => {
    const { host, store, add, clock, read } = setUp()
    await host.load(0)
    const parked = host.submit<string>(0, (coordinator, to) => {
      coordinator.waiting.push(to)
      return [wake('g', 't', 5)]
    })
    store.slow = true
    const appending = add('a')
    const queued = add('b')
    const coordinator = host.read(0)
    host.unload(0)
    expect(await parked).toBe('gone')
    await expect(queued).rejects.toThrow(new KafkaError('NOT_COORDINATOR'))
    expect(() => add('c')).toThrow(new KafkaError('NOT_COORDINATOR'))
    clock.advance(10)
    read()
    expect(coordinator.woken).toEqual([])
    store.release()
    await expect(appending).resolves.toBe('1 words')
  })

  test('ends a transaction in turn, once its marker is stored', async () => {
    const { host, store, add } = setUp()
    await host.load(0)
    store.slow = true
    const adding = add('a')
    const ending = host.endTransaction(0, 7, 'abort', () => ErrorCode.NONE)
    expect(host.read(0).ended).toEqual([])
    store.release()
    await adding
    expect(await ending).toBe(ErrorCode.NONE)
    expect(host.read(0).ended).toEqual(['7 abort'])
    const failing = () => Promise.resolve(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect(await host.endTransaction(0, 8, 'commit', failing)).toBe(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect(host.read(0).ended).toEqual(['7 abort'])
  })
})

describe('wakes', () => {
  async function awake() {
    const all = setUp()
    await all.host.load(0)
    const tell = (...effects: Effect<string>[]) => all.host.tell(0, () => effects)
    tell(forget('all', 'loaded'))
    return { ...all, tell, woken: all.host.read(0).woken }
  }

  test('come once, at their time', async () => {
    const { clock, tell, read, woken } = await awake()
    tell(wake('g', 't', 100), wake('g', 'u', 200), wake('h', 't', 300))
    tell(forget('g', 'u'))
    clock.advance(99)
    read()
    expect(woken).toEqual([])
    clock.advance(1_000)
    read()
    expect(woken).toEqual(['g/t@1099', 'h/t@1099'])
    clock.advance(1_000)
    read()
    expect(woken).toHaveLength(2)
  })

  test('may be moved both ways, without a timer for each later time', async () => {
    const { clock, tell, read, woken, timers } = await awake()
    tell(wake('g', 't', 100))
    for (let beat = 1; beat <= 50; beat++) tell(wake('g', 't', 100 + beat))
    expect(timers.size).toBe(1)
    clock.advance(100)
    read()
    expect(woken).toEqual([])
    clock.advance(50)
    read()
    expect(woken).toEqual(['g/t@150'])
    tell(wake('g', 't', 500))
    tell(wake('g', 't', 200))
    clock.advance(50)
    read()
    expect(woken).toEqual(['g/t@150', 'g/t@200'])
  })

  test('wait for what the sockets hold: who spoke while the broker stood still is heard', async () => {
    const { clock, tell, read, woken } = await awake()
    tell(wake('g', 'session/a', 100), wake('g', 'session/b', 100))
    // The process was stopped; its first timer fires late, before any socket is read.
    clock.advance(60_000)
    tell(wake('g', 'session/a', 60_100))
    read()
    expect(woken).toEqual(['g/session/b@60000'])
    clock.advance(100)
    read()
    expect(woken).toEqual(['g/session/b@60000', 'g/session/a@60100'])
  })

  test('do not overtake an input that waits for the store', async () => {
    const { clock, tell, read, woken, store, host, add } = await awake()
    tell(wake('g', 'session/a', 100))
    store.slow = true
    const adding = add('x')
    host.tell(0, () => [wake('g', 'session/a', 1_000)])
    clock.advance(100)
    read()
    store.release()
    await adding
    await turn()
    expect(woken).toEqual([])
    clock.advance(900)
    read()
    expect(woken).toEqual(['g/session/a@1000'])
  })
})

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function word(text: string) {
  return { key: Buffer.from(text), value: null }
}
