import { describe, expect, it } from 'vitest'
import { KEY_OFFSET_ENTRY_BYTES, KeyOffsetMap } from '../../src/storage/local/key-offset-map.ts'

const secret = Buffer.alloc(16, 7)
const put = (map: KeyOffsetMap, key: string, offset: number) => {
  const bytes = Buffer.from(key)
  map.put(bytes, 0, bytes.length, offset)
}
const get = (map: KeyOffsetMap, key: string) => {
  const bytes = Buffer.from(key)
  return map.get(bytes, 0, bytes.length)
}

describe('the map of the last offset of each key', () => {
  it('knows the last of many, and of no other', () => {
    const map = new KeyOffsetMap({ memoryBytes: 2 ** 20, loadFactor: 0.9, keysMax: 30_000, secret })
    for (let index = 0; index < 30_000; index++) put(map, `key-${index % 10_000}`, index)
    expect(map.size).toBe(10_000)
    expect(map.latestOffset).toBe(29_999)
    for (let index = 0; index < 10_000; index++)
      expect(get(map, `key-${index}`)).toBe(20_000 + index)
    expect(get(map, 'key-10000')).toBe(-1)
    expect(get(map, '')).toBe(-1)
  })

  it('tells an empty key and offset 0 from nothing', () => {
    const map = new KeyOffsetMap({ memoryBytes: 1_000, loadFactor: 0.9, keysMax: 10, secret })
    put(map, '', 0)
    expect([get(map, ''), get(map, '\0')]).toEqual([0, -1])
  })

  it('is full when its memory is used as far as the load factor says', () => {
    const memoryBytes = 1_000 * KEY_OFFSET_ENTRY_BYTES
    const map = new KeyOffsetMap({ memoryBytes, loadFactor: 0.5, keysMax: 1_000_000, secret })
    let count = 0
    while (!map.isFull) put(map, `key-${count}`, count++)
    expect(count).toBe(500)
  })

  it('is never full when there are no more keys than it was told', () => {
    for (const keysMax of [0, 1, 2, 7, 100]) {
      const map = new KeyOffsetMap({ memoryBytes: 2 ** 27, loadFactor: 0.9, keysMax, secret })
      for (let offset = 0; offset < keysMax; offset++) {
        expect(map.isFull).toBe(false)
        put(map, String(offset), offset)
      }
    }
  })
})
