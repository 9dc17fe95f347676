import { beforeEach, describe, expect, it } from 'vitest'
import { type LoopTime, YieldingTurns } from '../../src/storage/local/turns.ts'

const TURN_MS = 0.25
const REST_FACTOR = 9

/** A loop on which `othersMs` of each wait go to others. */
class FakeLoop implements LoopTime {
  time = 0
  active = 0
  othersMs = 0
  readonly sleeps: number[] = []
  rounds = 0

  nowMs() {
    return this.time
  }

  activeMs() {
    return this.active
  }

  async round() {
    this.rounds++
    this.#wait(0.01)
  }

  async sleep(ms: number) {
    this.sleeps.push(ms)
    this.#wait(ms)
  }

  #wait(ms: number) {
    this.time += Math.max(ms, this.othersMs)
    this.active += 0.01 + this.othersMs
  }

  work(ms: number) {
    this.time += ms
    this.active += ms
  }
}

describe('turns that yield', () => {
  let loop: FakeLoop
  let turns: YieldingTurns

  beforeEach(() => {
    loop = new FakeLoop()
    turns = new YieldingTurns(TURN_MS, REST_FACTOR, loop)
    turns.rested()
  })

  async function work(turnCount: number): Promise<void> {
    for (let count = 0; count < turnCount; count++) {
      while (!turns.isOver()) loop.work(0.05)
      await turns.next()
    }
  }

  it('follow each other at once while nobody else uses the loop', async () => {
    await work(100)
    expect(loop.sleeps).toEqual([])
    expect(loop.rounds).toBe(100)
  })

  it('leave nine tenths of the time to others once these use it', async () => {
    loop.othersMs = 0.1
    await work(1)
    const fromMs = loop.time
    await work(100)
    const share = (100 * TURN_MS) / (loop.time - fromMs)
    expect(share).toBeGreaterThan(0.08)
    expect(share).toBeLessThan(0.12)
  })

  it('go on at full speed a second after others were last seen', async () => {
    loop.othersMs = 0.1
    await work(2)
    loop.othersMs = 0
    const fromMs = loop.time
    while (loop.time - fromMs <= 1_000) await work(1)
    loop.sleeps.length = 0
    await work(10)
    expect(loop.sleeps).toEqual([])
  })

  it('do not begin because an event made a timer fire early', async () => {
    loop.othersMs = 0.1
    await work(1)
    loop.sleep = async (ms) => {
      loop.sleeps.push(ms)
      loop.time += 0.5
    }
    const fromMs = loop.time
    await work(1)
    expect(loop.time - fromMs).toBeGreaterThan(2)
    expect(loop.sleeps).toEqual([3, 2, 2, 1, 1])
  })

  it('count work that ends in waiting for the disk before the turn is over', async () => {
    loop.othersMs = 0.1
    await work(1)
    const before = loop.sleeps.length
    for (let count = 0; count < 20; count++) {
      loop.work(TURN_MS / 5)
      turns.rested()
      if (turns.isOver()) await turns.next()
    }
    expect(loop.sleeps.length).toBeGreaterThan(before)
  })
})
