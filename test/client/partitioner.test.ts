import { describe, expect, it } from 'vitest'
import { murmur2, partitionOfKey } from '../../src/client/partitioner.ts'

describe('the partitioner', () => {
  // What the Java client computes; its console producer put these keys into these partitions.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s as the Java client does', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
  })

  it('never names a partition that is not there', () => {
    for (const key of ['', 'a', '21', 'foobar', '\u{1f426}']) {
      for (const count of [1, 2, 3, 50]) {
        const partition = partitionOfKey(Buffer.from(key), count)
        expect(partition).toBeGreaterThanOrEqual(0)
        expect(partition).toBeLessThan(count)
      }
    }
    expect(partitionOfKey(Buffer.from('foobar'), 7)).toBe((-790332482 & 0x7fffffff) % 7)
  })
})
