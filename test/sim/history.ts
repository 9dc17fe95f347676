/** What clients did and saw, in the words of transactions. Values are unique over the history. */
export interface History {
  readonly transactions: readonly TransactionHistory[]
  /** Reads of committed records with one assignment, each consumer's in its order. */
  readonly consumers: readonly (readonly ReadRecord[])[]
  /** Everything that is committed once all faults are healed, by offset in each partition. */
  readonly final: readonly ReadRecord[]
  /** Offsets of groups at the end. */
  readonly finalOffsets: readonly CommittedOffset[]
}

export interface ReadRecord {
  readonly partition: string
  readonly offset: number
  readonly value: string
}

export interface SentRecord {
  readonly partition: string
  readonly value: string
  /** Of the record that it was made from, when it was made from one. */
  readonly input?: InputRecord
}

export interface InputRecord {
  readonly group: string
  readonly partition: string
  readonly offset: number
}

export interface CommittedOffset {
  readonly group: string
  readonly partition: string
  /** The next one to read. */
  readonly offset: number
}

export interface TransactionHistory {
  readonly id: string
  /** One producer session: what it sends to a partition stays in order. */
  readonly producer: string
  /** `unknown`: its end was asked for, and nobody heard how that went. */
  readonly outcome: 'committed' | 'aborted' | 'unknown'
  readonly sends: readonly SentRecord[]
  /** Committed records that it read. */
  readonly reads: readonly ReadRecord[]
}
