import { setTimeout, steadyNowMs } from '../base/event-loop.ts'
/** Something that a test waited for and that did not come. The message says what was there. */
export class WaitError extends Error {
  override name = 'WaitError'
}

/** A loop turn on a loaded machine takes about as long. */
const INTERVAL_MS = 5

export interface WaitUntil<T> {
  /** Undefined: not yet. */
  check(): T | undefined | Promise<T | undefined>
  readonly timeoutMs: number
  /** What was waited for, and what was there instead. */
  explain(): string | Promise<string>
}

/**
 * The first value that `check` gives. Real time, whatever the broker's clock: a test that waits in
 * vain ends. The timer keeps the process alive, since somebody waits.
 */
export async function waitUntil<T>({ check, timeoutMs, explain }: WaitUntil<T>): Promise<T> {
  const deadlineMs = steadyNowMs() + timeoutMs
  for (;;) {
    const found = await check()
    if (found !== undefined) return found
    if (steadyNowMs() >= deadlineMs) {
      throw new WaitError(`waited ${timeoutMs} ms for ${await explain()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS))
  }
}
