import type { ErrorCode } from '../protocol/error-code.ts'

/**
 * What a coordinator wants done. Coordinators only decide; a host (broker/coordinator-host.ts)
 * carries the effects out in order. Persist before answer: whatever depends on records being
 * durable is in `committed`, which the host runs after it appended and replayed them. `Asked` is
 * what one kind of coordinator needs besides.
 */
export type Effect<R, Asked = never> = Append<R, Asked> | Reply | Wake | Forget | Ask<Asked>

/** Always the last effect of a list. */
export interface Append<R, Asked = never> {
  readonly type: 'append'
  readonly records: readonly R[]
  /** False: more records than a batch holds may be written in several. Otherwise one or none. */
  readonly atomic: boolean
  /** Set for records that belong to a transaction. */
  readonly producer?: { readonly producerId: number; readonly producerEpoch: number }
  /** Decides what follows, after `replay` saw every record. */
  committed(nowMs: number): Effect<R, Asked>[]
  /** Decides what follows when nothing was written; `errorCode` is one that clients get. */
  failed(errorCode: ErrorCode, nowMs: number): Effect<R, Asked>[]
}

export interface Reply {
  readonly type: 'reply'
  readonly to: ReplyTo<unknown>
  readonly response: unknown
}

/** Calls `wake(owner, timer)` at or after `atMs`; replaces an earlier wake of the same name. */
export interface Wake {
  readonly type: 'wake'
  /** The group, or whatever the coordinator has several of. */
  readonly owner: string
  readonly timer: string
  readonly atMs: number
}

/** Takes a wake back. */
export interface Forget {
  readonly type: 'forget'
  readonly owner: string
  readonly timer: string
}

/** Something that takes time and is done beside the log; the result comes back as an input. */
export interface Ask<Asked> {
  readonly type: 'ask'
  readonly what: Asked
}

/** Where an answer goes, once. Coordinators keep it while a request waits and never call it. */
export interface ReplyTo<Response> {
  deliver(response: Response): void
}

export function reply<Response>(to: ReplyTo<Response>, response: Response): Reply {
  return { type: 'reply', to, response }
}

export function ask<Asked>(what: Asked): Ask<Asked> {
  return { type: 'ask', what }
}

export function wake(owner: string, timer: string, atMs: number): Wake {
  return { type: 'wake', owner, timer, atMs }
}

export function forget(owner: string, timer: string): Forget {
  return { type: 'forget', owner, timer }
}

/** Where a replayed record stands in the log. */
export interface RecordOrigin {
  readonly offset: number
  /** -1 unless the record belongs to a transaction. */
  readonly producerId: number
}

/** Adds an answer that waits for the append `effects` may end with, or reports its failure. */
export function answerAfter<R>(
  effects: Effect<R>[],
  answer: Reply,
  failure: (errorCode: ErrorCode) => Reply,
): Effect<R>[] {
  const last = effects.at(-1)
  if (last?.type !== 'append') return [...effects, answer]
  return [
    ...effects.slice(0, -1),
    {
      ...last,
      committed: (nowMs) => answerAfter(last.committed(nowMs), answer, failure),
      failed: (errorCode, nowMs) => [...last.failed(errorCode, nowMs), failure(errorCode)],
    },
  ]
}
