import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import { BatchView } from '../../src/protocol/records/batch.ts'
import { BatchFacts } from '../../src/storage/local/batch-facts.ts'
import { type CheckOptions, ProducerState } from '../../src/storage/local/producer-state.ts'
import { type BatchOptions, batchOf, markerOf } from './batches.ts'

const PID = 1000
const client: CheckOptions = { origin: 'client', verified: true, transactionVersion: 0 }
const coordinator: CheckOptions = { ...client, origin: 'coordinator' }

/** Batches of one producer; offsets are handed out as in a log. */
class Partition {
  readonly state = new ProducerState()
  endOffset = 0

  facts(bytes: Buffer): BatchFacts {
    return new BatchFacts(new BatchView(bytes), this.endOffset, 0)
  }

  /** `NONE` and appended, or the verdict. */
  produce(options: Partial<BatchOptions> & { count?: number }, check = client) {
    const { count = 1, ...header } = options
    const values = Array.from({ length: count }, () => 'v')
    return this.offer(
      batchOf({ values, producerId: PID, producerEpoch: 0, baseSequence: 0, ...header }),
      check,
    )
  }

  mark(type: 'COMMIT' | 'ABORT', epoch = 0, coordinatorEpoch = 0, transactionVersion = 0) {
    const options = { ...coordinator, transactionVersion }
    return this.offer(markerOf(type, PID, epoch, { coordinatorEpoch }), options)
  }

  aborted: ReturnType<ProducerState['append']>

  offer(bytes: Buffer, check: CheckOptions) {
    const facts = this.facts(bytes)
    const verdict = this.state.check(facts, check)
    if (verdict !== ErrorCode.NONE) return verdict
    this.aborted = this.state.append(facts, facts.maxTimestampMs)
    this.endOffset = facts.lastOffset + 1
    this.state.advanceHighWatermark(this.endOffset)
    return verdict
  }
}

describe('sequences of an idempotent producer', () => {
  it('may begin anywhere when nothing is known of the producer', () => {
    expect(new Partition().produce({ baseSequence: 17 })).toBe(ErrorCode.NONE)
  })

  it('must follow the last one of the same epoch', () => {
    const partition = new Partition()
    partition.produce({ baseSequence: 0, count: 3 })
    expect(partition.produce({ baseSequence: 4 })).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(partition.produce({ baseSequence: 3 })).toBe(ErrorCode.NONE)
  })

  it('wrap from 2147483647 to 0, also inside a batch', () => {
    const partition = new Partition()
    partition.produce({ baseSequence: 2147483647 })
    expect(partition.produce({ baseSequence: 0 })).toBe(ErrorCode.NONE)
    const wrapping = new Partition()
    wrapping.produce({ baseSequence: 2147483646, count: 4 })
    expect(wrapping.produce({ baseSequence: 2 })).toBe(ErrorCode.NONE)
  })

  it('of one of the last five batches are a duplicate with the first offset', () => {
    const partition = new Partition()
    for (let sequence = 0; sequence < 6; sequence++) partition.produce({ baseSequence: sequence })
    for (let sequence = 1; sequence < 6; sequence++) {
      expect(partition.produce({ baseSequence: sequence })).toMatchObject({ baseOffset: sequence })
    }
    expect(partition.produce({ baseSequence: 0 })).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(partition.endOffset).toBe(6)
  })

  it('are no duplicate when only the first of them matches', () => {
    const partition = new Partition()
    partition.produce({ baseSequence: 0, count: 2 })
    expect(partition.produce({ baseSequence: 0, count: 3 })).toBe(
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    )
  })

  it('are not looked at in appends of a coordinator', () => {
    const partition = new Partition()
    partition.produce({ baseSequence: 0 })
    expect(partition.produce({ baseSequence: 0 }, coordinator)).toBe(ErrorCode.NONE)
  })

  it('begin with 0 in a new epoch', () => {
    const partition = new Partition()
    partition.produce({ baseSequence: 0 })
    expect(partition.produce({ producerEpoch: 1, baseSequence: 1 })).toBe(
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    )
    expect(partition.produce({ producerEpoch: 1, baseSequence: 0 })).toBe(ErrorCode.NONE)
    expect(partition.produce({ producerEpoch: 0, baseSequence: 1 })).toBe(
      ErrorCode.INVALID_PRODUCER_EPOCH,
    )
  })

  it('begin with 0 after a marker that is all that is known of the epoch', () => {
    const partition = new Partition()
    partition.mark('COMMIT', 3)
    expect(partition.produce({ producerEpoch: 3, baseSequence: 5 })).toBe(
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    )
    expect(partition.produce({ producerEpoch: 3, baseSequence: 0 })).toBe(ErrorCode.NONE)
  })
})

describe('batches of a transaction', () => {
  const transactional = { transactional: true }

  it('need to be verified, but only the first', () => {
    const partition = new Partition()
    const unverified = { ...client, verified: false }
    expect(partition.produce(transactional, unverified)).toBe(ErrorCode.INVALID_TXN_STATE)
    expect(partition.produce(transactional)).toBe(ErrorCode.NONE)
    expect(partition.produce({ ...transactional, baseSequence: 1 }, unverified)).toBe(
      ErrorCode.NONE,
    )
    partition.mark('COMMIT')
    expect(partition.produce({ ...transactional, baseSequence: 2 }, unverified)).toBe(
      ErrorCode.INVALID_TXN_STATE,
    )
  })

  it('of a fenced epoch are told so before anything about verification', () => {
    const partition = new Partition()
    partition.produce({ producerEpoch: 2 })
    const unverified = { ...client, verified: false }
    expect(partition.produce({ ...transactional, producerEpoch: 1 }, unverified)).toBe(
      ErrorCode.INVALID_PRODUCER_EPOCH,
    )
  })

  it('begin with sequence 0 where the epoch grows with each transaction (KIP-890)', () => {
    const second = { ...client, transactionVersion: 2 }
    const partition = new Partition()
    expect(partition.produce({ ...transactional, baseSequence: 4 }, second)).toBe(
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    )
    expect(partition.produce({ ...transactional, baseSequence: 4 })).toBe(ErrorCode.NONE)
  })

  it('may not be mixed with others of the same producer', () => {
    const partition = new Partition()
    partition.produce(transactional)
    expect(partition.produce({ baseSequence: 1 })).toBe(ErrorCode.INVALID_TXN_STATE)
    partition.mark('COMMIT')
    expect(partition.produce({ baseSequence: 1 })).toBe(ErrorCode.NONE)
  })

  it('hold back the last stable offset until their marker is below the high watermark', () => {
    const state = new ProducerState()
    const header = { producerEpoch: 0, baseSequence: 0, transactional: true }
    const data = (producerId: number, offset: number) => {
      const bytes = batchOf({ values: ['v'], producerId, ...header })
      return new BatchFacts(new BatchView(bytes), offset, 0)
    }
    const marker = (pid: number, offset: number) =>
      new BatchFacts(new BatchView(markerOf('ABORT', pid, 0)), offset, 0)
    state.append(data(1, 10), 1)
    state.append(data(2, 11), 1)
    expect(state.firstUnstableOffset).toBe(10)
    expect(state.append(marker(1, 12), 1)).toEqual({
      producerId: 1,
      firstOffset: 10,
      lastOffset: 12,
      lastStableOffset: 11,
    })
    state.advanceHighWatermark(12)
    expect(state.firstUnstableOffset).toBe(10)
    state.advanceHighWatermark(13)
    expect(state.firstUnstableOffset).toBe(11)
    expect(state.append(marker(2, 13), 1)?.lastStableOffset).toBe(14)
    state.advanceHighWatermark(14)
    expect(state.firstUnstableOffset).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('markers', () => {
  it('of an older epoch are refused; the same epoch may mark again', () => {
    const partition = new Partition()
    partition.produce({ transactional: true, producerEpoch: 1 })
    expect(partition.mark('ABORT', 0)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
    expect(partition.mark('COMMIT', 1)).toBe(ErrorCode.NONE)
    expect(partition.mark('COMMIT', 1)).toBe(ErrorCode.NONE)
  })

  it('must raise the epoch where every transaction does, but for repeats and the last epoch', () => {
    const partition = new Partition()
    partition.produce({ transactional: true, producerEpoch: 1 })
    expect(partition.mark('COMMIT', 1, 0, 2)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
    expect(partition.mark('COMMIT', 2, 0, 2)).toBe(ErrorCode.NONE)
    expect(partition.mark('COMMIT', 2, 0, 2)).toBe(ErrorCode.NONE)
    const last = new Partition()
    last.produce({ transactional: true, producerEpoch: 32767 })
    expect(last.mark('ABORT', 32767, 0, 2)).toBe(ErrorCode.NONE)
  })

  it('of an older coordinator are fenced', () => {
    const partition = new Partition()
    partition.mark('COMMIT', 0, 5)
    expect(partition.mark('COMMIT', 0, 4)).toBe(ErrorCode.TRANSACTION_COORDINATOR_FENCED)
    expect(partition.mark('COMMIT', 0, 5)).toBe(ErrorCode.NONE)
  })

  it('add to the transaction index only when they abort a transaction', () => {
    const partition = new Partition()
    partition.mark('ABORT')
    expect(partition.aborted).toBeUndefined()
    partition.produce({ transactional: true })
    partition.mark('COMMIT')
    expect(partition.aborted).toBeUndefined()
    partition.produce({ transactional: true, baseSequence: 1 })
    partition.mark('ABORT')
    expect(partition.aborted).toMatchObject({ firstOffset: 3, lastOffset: 4 })
  })
})

describe('producers', () => {
  it('are forgotten when idle, but not in a transaction', () => {
    const partition = new Partition()
    partition.produce({ transactional: true, timestamp: 5 })
    partition.state.expire(10)
    expect(partition.state.size).toBe(1)
    partition.offer(markerOf('COMMIT', PID, 0), coordinator)
    partition.state.expire(999)
    expect(partition.state.size).toBe(1)
    partition.state.expire(1_000)
    expect(partition.state.size).toBe(0)
  })

  it('are counted over all partitions', () => {
    const counter = { count: 0 }
    const states = [new ProducerState(counter), new ProducerState(counter)]
    for (const state of states) {
      for (let pid = 0; pid < 3; pid++) {
        const bytes = batchOf({ values: ['v'], producerId: pid, producerEpoch: 0, baseSequence: 0 })
        state.append(new BatchFacts(new BatchView(bytes), pid, 0), 1)
      }
    }
    expect(counter.count).toBe(6)
    states[0]!.clear()
    expect(counter.count).toBe(3)
  })
})
