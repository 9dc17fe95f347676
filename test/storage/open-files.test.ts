import { describe, expect, it } from 'vitest'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { FileSlot, OpenFiles } from '../../src/storage/local/open-files.ts'

describe('open files', () => {
  const make = (openMax: number, count: number) => {
    const files = new MemoryFiles(() => 1)
    files.makeDirectory('/d')
    const openFiles = new OpenFiles(files, openMax)
    const slots = Array.from({ length: count }, (_, index) => {
      const slot = new FileSlot(openFiles, `/d/${index}`)
      slot.makeWritable()
      return slot
    })
    return { openFiles, slots }
  }

  it('stay within their bound, and each is there when it is asked for', () => {
    const { openFiles, slots } = make(3, 10)
    for (const round of [1, 2]) {
      for (const [index, slot] of slots.entries()) {
        slot.file.writeSync(Buffer.from([index + round]), 0)
        expect(openFiles.openCount).toBeLessThanOrEqual(3)
      }
    }
    const byte = Buffer.alloc(1)
    for (const [index, slot] of slots.entries()) {
      slot.file.readSync(byte, 0)
      expect(byte[0]).toBe(index + 2)
    }
  })

  it('in use by many at once take turns, so that they stay within a bound, too', async () => {
    const { openFiles, slots } = make(10, 500)
    const going: (() => void)[] = []
    let most = 0
    const done = slots.map((slot) =>
      slot.withPin(async () => {
        most = Math.max(most, openFiles.openCount)
        await new Promise<void>((resolve) => going.push(resolve))
      }),
    )
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    for (let ended = 0; ended < slots.length; ) {
      await turn()
      for (const go of going.splice(0)) {
        go()
        ended++
      }
    }
    await Promise.all(done)
    expect(most).toBeLessThanOrEqual(64)
    slots[0]!.file.sizeBytes()
    expect(openFiles.openCount).toBeLessThanOrEqual(64)
  })

  it('that fail do not take a turn away from others', async () => {
    const { slots } = make(10, 200)
    const failing = slots.map((slot) => slot.withPin(() => Promise.reject(new Error('disk'))))
    const outcomes = await Promise.allSettled(failing)
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    await expect(slots[0]!.withPin(async () => 'fine')).resolves.toBe('fine')
  })
})
