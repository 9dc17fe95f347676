import { describe, expect, it } from 'vitest'
import type { History, TransactionHistory } from './history.ts'
import { findAnomalies } from './history-checker.ts'

function transaction(
  id: string,
  outcome: TransactionHistory['outcome'],
  sends: readonly string[],
  reads: readonly string[] = [],
): TransactionHistory {
  return {
    id,
    producer: 'p',
    outcome,
    sends: sends.map((text) => {
      const [partition = '', value = ''] = text.split(':')
      return { partition, value }
    }),
    reads: reads.map(record),
  }
}

/** `partition/offset:value` */
function record(text: string) {
  const [, partition = '', offset = '', value = ''] = /^(.+)\/(\d+):(.+)$/.exec(text) ?? []
  return { partition, offset: Number(offset), value }
}

function anomalies(history: Partial<History>): string[] {
  const complete = { transactions: [], consumers: [], final: [], finalOffsets: [], ...history }
  return findAnomalies(complete).map(({ anomaly }) => anomaly)
}

describe('a history', () => {
  it('is fine when every transaction is there as a whole, once, or not at all', () => {
    expect(
      anomalies({
        transactions: [
          transaction('1', 'committed', ['a:x', 'b:y']),
          transaction('2', 'aborted', ['a:lost']),
          transaction('3', 'unknown', ['a:maybe', 'b:too'], ['a/0:x']),
          transaction('4', 'unknown', ['a:not', 'b:here']),
        ],
        consumers: [[record('a/0:x'), record('a/4:maybe')]],
        final: ['a/0:x', 'b/0:y', 'a/4:maybe', 'b/2:too'].map(record),
      }),
    ).toEqual([])
  })

  it('shows a lost write', () => {
    const transactions = [transaction('1', 'committed', ['a:x', 'a:y'])]
    expect(anomalies({ transactions, final: [record('a/0:x')] })).toEqual(['lost write'])
  })

  it('shows a duplicate', () => {
    const transactions = [transaction('1', 'committed', ['a:x'])]
    const final = ['a/0:x', 'a/1:x'].map(record)
    expect(anomalies({ transactions, final })).toEqual(['duplicate'])
  })

  it('shows two values at one offset', () => {
    const transactions = [transaction('1', 'committed', ['a:x', 'b:y'])]
    const final = ['a/0:x', 'b/0:y'].map(record)
    const consumers = [[record('a/0:y')]]
    expect(anomalies({ transactions, final, consumers })).toEqual(['two values at one offset'])
  })

  it('shows what was aborted', () => {
    const transactions = [transaction('1', 'aborted', ['a:x'])]
    expect(anomalies({ transactions, final: [record('a/0:x')] })).toEqual(['aborted read'])
    expect(anomalies({ transactions, consumers: [[record('a/0:x')]] })).toEqual(['aborted read'])
  })

  it('shows a value from nowhere', () => {
    expect(anomalies({ final: [record('a/0:x')] })).toEqual(['value from nowhere'])
  })

  it('shows a torn transaction', () => {
    const transactions = [transaction('1', 'unknown', ['a:x', 'b:y'])]
    expect(anomalies({ transactions, final: [record('a/0:x')] })).toEqual(['torn transaction'])
  })

  it('shows a transaction that read what it sends itself', () => {
    const transactions = [transaction('1', 'committed', ['a:x'], ['a/0:x'])]
    expect(anomalies({ transactions, final: [record('a/0:x')] })).toEqual([
      'read of its own unfinished send',
    ])
  })

  it('shows information that flows in a circle', () => {
    const transactions = [
      transaction('1', 'committed', ['a:x'], ['b/0:y']),
      transaction('2', 'committed', ['b:y'], ['a/0:x']),
    ]
    const final = ['a/0:x', 'b/0:y'].map(record)
    expect(anomalies({ transactions, final })).toEqual(['circular information flow'])
  })

  it('shows consumers that skip and that go back', () => {
    const transactions = [transaction('1', 'committed', ['a:x', 'a:y', 'a:z'])]
    const final = ['a/0:x', 'a/1:y', 'a/3:z'].map(record)
    const skipping = [[record('a/0:x'), record('a/3:z')]]
    expect(anomalies({ transactions, final, consumers: skipping })).toEqual(['consumer skipped'])
    const back = [[record('a/1:y'), record('a/0:x')]]
    expect(anomalies({ transactions, final, consumers: back })).toEqual(['consumer went back'])
  })

  it('shows sends out of order', () => {
    const transactions = [
      transaction('1', 'committed', ['a:x']),
      transaction('2', 'committed', ['a:y']),
    ]
    const final = ['a/0:y', 'a/2:x'].map(record)
    expect(anomalies({ transactions, final })).toEqual(['later send landed earlier'])
  })

  it('shows that something read is not there in the end', () => {
    const transactions = [transaction('1', 'unknown', ['a:x'])]
    expect(anomalies({ transactions, consumers: [[record('a/0:x')]] })).toEqual([
      'read value vanished',
    ])
  })

  it('shows inputs that were processed twice, too early or not at all', () => {
    const input = transaction('in', 'committed', ['in:1', 'in:2', 'in:3'])
    const inputs = ['in/0:1', 'in/1:2', 'in/2:3'].map(record)
    const from = (offset: number) => ({ group: 'g', partition: 'in', offset })
    const output = (value: string, offset: number) => ({
      partition: 'out',
      value,
      input: from(offset),
    })
    const copy = { ...transaction('copy', 'committed', []), producer: 'q' }
    const at = (offset: number) => [{ group: 'g', partition: 'in', offset }]
    const check = (offset: number, ...sends: ReturnType<typeof output>[]) =>
      anomalies({
        transactions: [input, { ...copy, sends }],
        final: [...inputs, ...sends.map(({ value }, index) => record(`out/${index}:${value}`))],
        finalOffsets: at(offset),
      })
    expect(check(2, output('1a', 0), output('2a', 1))).toEqual([])
    expect(check(2, output('1a', 0), output('1b', 0), output('2a', 1))).toEqual([
      'input processed twice',
    ])
    expect(check(2, output('1a', 0))).toEqual(['input not processed'])
    expect(check(1, output('1a', 0), output('2a', 1))).toEqual(['input processed twice'])
  })
})
