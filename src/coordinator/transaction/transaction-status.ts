/**
 * States of a transactional id, numbered as in `__transaction_state` (reference: transactions.md
 * section 4).
 *
 * | State | Reached from | A new transaction may begin | InitProducerId | EndTxn |
 * |---|---|---|---|---|
 * | Empty | Empty, CompleteCommit, CompleteAbort | yes | raises the epoch | TV2: abort only |
 * | Ongoing | Ongoing, Empty, CompleteCommit, CompleteAbort | more partitions | fences and aborts | Prepare* |
 * | PrepareCommit | Ongoing | no: retry | retry | retry, or refused when it asks the other end |
 * | PrepareAbort | Ongoing; TV2 also Empty, CompleteCommit, CompleteAbort | no: retry | retry | as above |
 * | CompleteCommit | PrepareCommit | yes | raises the epoch | repeats; TV2: abort only |
 * | CompleteAbort | PrepareAbort | yes | raises the epoch | repeats; TV2: abort only |
 * | Dead | Empty, CompleteCommit, CompleteAbort | being forgotten, never written | | |
 */
export const TransactionStatus = {
  EMPTY: 0,
  ONGOING: 1,
  PREPARE_COMMIT: 2,
  PREPARE_ABORT: 3,
  COMPLETE_COMMIT: 4,
  COMPLETE_ABORT: 5,
  DEAD: 6,
} as const
export type TransactionStatus = (typeof TransactionStatus)[keyof typeof TransactionStatus]

/** As ListTransactions and DescribeTransactions name them; index is the number. */
const names = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  // A step inside Kafka that is never written and never seen; a filter may still ask for it.
  'PrepareEpochFence',
] as const

export function statusName(status: TransactionStatus): string {
  return names[status]
}

/** Undefined for what is not the name of a state. */
export function statusNamed(name: string): number | undefined {
  const index = names.indexOf(name as (typeof names)[number])
  return index < 0 ? undefined : index
}

/** Only these are written; anything else in a record was not written by Kafka. */
export function isWrittenStatus(status: number): status is TransactionStatus {
  return status >= TransactionStatus.EMPTY && status <= TransactionStatus.COMPLETE_ABORT
}

const { EMPTY, ONGOING, PREPARE_COMMIT, PREPARE_ABORT, COMPLETE_COMMIT, COMPLETE_ABORT, DEAD } =
  TransactionStatus

/** States in which nothing of a transaction is left to do. */
const RESTING: readonly TransactionStatus[] = [EMPTY, COMPLETE_COMMIT, COMPLETE_ABORT]

const validPrevious: Readonly<Record<TransactionStatus, readonly TransactionStatus[]>> = {
  [EMPTY]: RESTING,
  [ONGOING]: [ONGOING, ...RESTING],
  [PREPARE_COMMIT]: [ONGOING],
  [PREPARE_ABORT]: [ONGOING, ...RESTING],
  [COMPLETE_COMMIT]: [PREPARE_COMMIT],
  [COMPLETE_ABORT]: [PREPARE_ABORT],
  [DEAD]: RESTING,
}

export function canFollow(status: TransactionStatus, previous: TransactionStatus): boolean {
  return validPrevious[status].includes(previous)
}

export function isResting(status: TransactionStatus): boolean {
  return RESTING.includes(status)
}

export function isPrepared(status: TransactionStatus): boolean {
  return status === PREPARE_COMMIT || status === PREPARE_ABORT
}
