import type { History, ReadRecord, SentRecord, TransactionHistory } from './history.ts'

/** What a history may never show; the words of the promises that it breaks. */
export type Anomaly =
  | 'lost write'
  | 'duplicate'
  | 'two values at one offset'
  | 'aborted read'
  | 'value from nowhere'
  | 'read of its own unfinished send'
  | 'torn transaction'
  | 'circular information flow'
  | 'consumer skipped'
  | 'consumer went back'
  | 'later send landed earlier'
  | 'read value vanished'
  | 'input processed twice'
  | 'input not processed'

export interface Finding {
  readonly anomaly: Anomaly
  readonly detail: string
}

/** Everything that is wrong with a history; empty when it keeps all promises. */
export function findAnomalies(history: History): Finding[] {
  const index = new HistoryIndex(history)
  return [
    ...contradictions(history),
    ...visibility(history, index),
    ...orderOfSends(history, index),
    ...consumption(history, index),
    ...circles(history, index),
    ...processing(history, index),
  ]
}

class HistoryIndex {
  readonly writers = new Map<string, TransactionHistory>()
  /** Places of each value in the final read. */
  readonly places = new Map<string, ReadRecord[]>()
  readonly finalOf = new Map<string, ReadRecord[]>()

  constructor({ transactions, final }: History) {
    for (const transaction of transactions) {
      for (const { value } of transaction.sends) this.writers.set(value, transaction)
    }
    for (const record of final) {
      append(this.places, record.value, record)
      append(this.finalOf, record.partition, record)
    }
  }

  isVisible(value: string): boolean {
    return this.places.has(value)
  }
}

function append<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const values = map.get(key)
  if (values) values.push(value)
  else map.set(key, [value])
}

function nameOf({ partition, offset, value }: ReadRecord): string {
  return `${value} at ${partition}/${offset}`
}

/** All reads of a place must find the same there. */
function contradictions(history: History): Finding[] {
  const seen = new Map<string, string>()
  const findings: Finding[] = []
  const reads = [
    ...history.final,
    ...history.consumers.flat(),
    ...history.transactions.flatMap((transaction) => transaction.reads),
  ]
  for (const record of reads) {
    const place = `${record.partition}/${record.offset}`
    const before = seen.get(place)
    if (before !== undefined && before !== record.value) {
      const detail = `${before} and ${nameOf(record)}`
      findings.push({ anomaly: 'two values at one offset', detail })
    }
    seen.set(place, record.value)
  }
  return findings
}

/** Committed is there once, aborted is not there, and a transaction is there as a whole. */
function visibility(history: History, index: HistoryIndex): Finding[] {
  const findings: Finding[] = []
  for (const transaction of history.transactions) {
    const { id, outcome, sends } = transaction
    const visible = sends.filter(({ value }) => index.isVisible(value))
    if (outcome === 'committed') {
      for (const send of sends) {
        if (!index.isVisible(send.value))
          findings.push({ anomaly: 'lost write', detail: of(send, id) })
      }
    } else if (outcome === 'aborted') {
      for (const send of visible) findings.push({ anomaly: 'aborted read', detail: of(send, id) })
    } else if (visible.length > 0 && visible.length < sends.length) {
      const detail = `${visible.length} of ${sends.length} sends of ${id}`
      findings.push({ anomaly: 'torn transaction', detail })
    }
  }
  for (const [value, places] of index.places) {
    if (!index.writers.has(value)) {
      findings.push({ anomaly: 'value from nowhere', detail: nameOf(places[0]!) })
    }
    if (places.length > 1) {
      findings.push({ anomaly: 'duplicate', detail: places.map(nameOf).join(', ') })
    }
  }
  return findings
}

function of(send: SentRecord, id: string): string {
  return `${send.value} in ${send.partition} of ${id}`
}

function orderOfSends(history: History, index: HistoryIndex): Finding[] {
  const last = new Map<string, ReadRecord>()
  const findings: Finding[] = []
  for (const { producer, sends } of history.transactions) {
    for (const { partition, value } of sends) {
      const [place] = index.places.get(value) ?? []
      if (!place) continue
      const key = `${producer} ${partition}`
      const before = last.get(key)
      if (before && before.offset > place.offset) {
        const detail = `${nameOf(place)} was sent after ${nameOf(before)}`
        findings.push({ anomaly: 'later send landed earlier', detail })
      }
      last.set(key, place)
    }
  }
  return findings
}

/** Consumers see what is there in the end, in order and without a gap; nothing else. */
function consumption(history: History, index: HistoryIndex): Finding[] {
  const findings: Finding[] = []
  const reads = [
    ...history.consumers,
    ...history.transactions.map((transaction) => transaction.reads),
  ]
  for (const record of reads.flat()) {
    if (index.isVisible(record.value)) continue
    const outcome = index.writers.get(record.value)?.outcome
    const anomaly = outcome === 'aborted' ? 'aborted read' : 'read value vanished'
    findings.push({ anomaly, detail: nameOf(record) })
  }
  for (const consumer of history.consumers) {
    const positions = new Map<string, ReadRecord>()
    for (const record of consumer) {
      const before = positions.get(record.partition)
      positions.set(record.partition, record)
      if (!before) continue
      if (record.offset <= before.offset) {
        const detail = `${nameOf(record)} after ${nameOf(before)}`
        findings.push({ anomaly: 'consumer went back', detail })
      }
      const skipped = index.finalOf
        .get(record.partition)
        ?.find(({ offset }) => offset > before.offset && offset < record.offset)
      if (skipped) findings.push({ anomaly: 'consumer skipped', detail: nameOf(skipped) })
    }
  }
  return findings
}

/** Who read from whom, over any number of steps, may not lead back. */
function circles(history: History, index: HistoryIndex): Finding[] {
  const findings: Finding[] = []
  const state = new Map<TransactionHistory, 'open' | 'done'>()
  const visit = (transaction: TransactionHistory, path: readonly string[]): void => {
    if (state.get(transaction) === 'done') return
    if (state.get(transaction) === 'open') {
      const detail = [...path, transaction.id].join(' reads from ')
      findings.push({ anomaly: 'circular information flow', detail })
      return
    }
    state.set(transaction, 'open')
    for (const { value } of transaction.reads) {
      const writer = index.writers.get(value)
      if (writer === transaction) {
        const detail = `${value} by ${transaction.id}`
        findings.push({ anomaly: 'read of its own unfinished send', detail })
      } else if (writer) visit(writer, [...path, transaction.id])
    }
    state.set(transaction, 'done')
  }
  for (const transaction of history.transactions) visit(transaction, [])
  return findings
}

/** Every input below the group's offset led to one record, and none above did. */
function processing(history: History, index: HistoryIndex): Finding[] {
  const findings: Finding[] = []
  const results = new Map<string, SentRecord[]>()
  const keyOf = (group: string, partition: string, offset: number) =>
    JSON.stringify([group, partition, offset])
  for (const send of history.transactions.flatMap(({ sends }) => sends)) {
    if (!send.input || !index.isVisible(send.value)) continue
    const { group, partition, offset } = send.input
    append(results, keyOf(group, partition, offset), send)
  }
  for (const { group, partition, offset: end } of history.finalOffsets) {
    for (const { offset } of index.finalOf.get(partition) ?? []) {
      const found = results.get(keyOf(group, partition, offset)) ?? []
      const expected = offset < end ? 1 : 0
      if (found.length === expected) continue
      const values = found.map(({ value }) => value).join(', ')
      const detail = `${partition}/${offset} of ${group} (at ${end}): ${values || 'nothing'}`
      const isTooMuch = found.length > expected
      findings.push({
        anomaly: isTooMuch ? 'input processed twice' : 'input not processed',
        detail,
      })
    }
  }
  return findings
}
