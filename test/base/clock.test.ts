import { afterEach, expect, test, vi } from 'vitest'

// Node's own timers are taken when the module is loaded; here they are to be the test's.
vi.mock('../../src/base/event-loop.ts', () => ({
  setTimeout: (callback: () => void, delayMs: number) => globalThis.setTimeout(callback, delayMs),
  clearTimeout: (timer: NodeJS.Timeout) => globalThis.clearTimeout(timer),
  wallNowMs: () => Date.now(),
}))

import { systemClock, VirtualClock } from '../../src/base/clock.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('the system clock does not fire a wait of 30 days at once', () => {
  vi.useFakeTimers()
  let fired = 0
  systemClock.schedule(30 * 86_400_000, () => fired++)
  vi.advanceTimersByTime(29 * 86_400_000)
  expect(fired).toBe(0)
  vi.advanceTimersByTime(86_400_000)
  expect(fired).toBe(1)
})

test('a long wait can be cancelled after its first step', () => {
  vi.useFakeTimers()
  let fired = 0
  const cancel = systemClock.schedule(30 * 86_400_000, () => fired++)
  vi.advanceTimersByTime(26 * 86_400_000)
  cancel()
  vi.advanceTimersByTime(10 * 86_400_000)
  expect(fired).toBe(0)
})

test('a virtual clock runs what its callbacks schedule within the same move', () => {
  const clock = new VirtualClock(0)
  const log: number[] = []
  clock.schedule(10, () => {
    log.push(clock.nowMs())
    clock.schedule(10, () => log.push(clock.nowMs()))
  })
  clock.advance(25)
  expect(log).toEqual([10, 20])
  expect(clock.nowMs()).toBe(25)
})
