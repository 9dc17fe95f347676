import fc from 'fast-check'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../src/base/clock.ts'
import { type Timer, TimerQueue } from '../../src/base/timer-queue.ts'

test('timers fire in the order of their times, each at its time and once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { maxLength: 200 }), (delaysMs) => {
      const clock = new VirtualClock(0)
      const timers = new TimerQueue(clock)
      const firedAtMs: number[] = []
      for (const delayMs of delaysMs) {
        timers.after(delayMs, () => {
          expect(clock.nowMs()).toBe(delayMs)
          firedAtMs.push(clock.nowMs())
        })
      }
      clock.advance(1000)
      expect(firedAtMs).toEqual([...delaysMs].sort((a, b) => a - b))
      expect(timers.size).toBe(0)
    }),
  )
})

test('a cancelled timer never fires and the others still do', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ delayMs: fc.nat(1000), cancel: fc.boolean() }), { maxLength: 300 }),
      (plans) => {
        const clock = new VirtualClock(0)
        const timers = new TimerQueue(clock)
        const fired = new Set<number>()
        const handles: Timer[] = plans.map((plan, index) =>
          timers.after(plan.delayMs, () => fired.add(index)),
        )
        plans.forEach((plan, index) => {
          if (plan.cancel) timers.cancel(handles[index]!)
        })
        expect(timers.size).toBe(plans.filter((plan) => !plan.cancel).length)
        clock.advance(1001)
        plans.forEach((plan, index) => {
          expect(fired.has(index)).toBe(!plan.cancel)
        })
      },
    ),
  )
})

test('renewing one session 100,000 times keeps the heap small', () => {
  const clock = new VirtualClock(0)
  let scheduled = 0
  const counting = {
    nowMs: () => clock.nowMs(),
    schedule: (delayMs: number, callback: () => void) => {
      scheduled++
      return clock.schedule(delayMs, callback)
    },
  }
  const timers = new TimerQueue(counting)
  let timer = timers.after(30_000, () => {})
  for (let renewal = 0; renewal < 100_000; renewal++) {
    timers.cancel(timer)
    timer = timers.after(30_000 + renewal, () => {})
  }
  expect(timers.size).toBe(1)
  // The clock is asked once for the first timer, not once per renewal.
  expect(scheduled).toBeLessThan(10)
})

test('a callback may add a timer that is already due', () => {
  const clock = new VirtualClock(0)
  const timers = new TimerQueue(clock)
  const log: string[] = []
  timers.after(10, () => {
    log.push('first')
    timers.at(5, () => log.push('late'))
  })
  clock.advance(10)
  expect(log).toEqual(['first', 'late'])
})

test('after close nothing fires', () => {
  const clock = new VirtualClock(0)
  const timers = new TimerQueue(clock)
  let fired = 0
  timers.after(1, () => fired++)
  timers.close()
  timers.after(1, () => fired++)
  clock.advance(100)
  expect(fired).toBe(0)
})
