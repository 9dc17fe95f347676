import { expect, it } from 'vitest'
import { KeyHash } from '../../src/storage/local/key-hash.ts'

/** Made with `openssl mac -macopt hexkey:000102...0f -macopt size:16 siphash` over 00 01 02 ... */
const vectors = new Map([
  [0, 'a3817f04ba25a8e66df67214c7550293'],
  [1, 'da87c1d86b99af44347659119b22fc45'],
  [2, '8177228da4a45dc7fca38bdef60affe4'],
  [8, '3b62a9ba6258f5610f83e264f31497b4'],
  [15, '5493e99933b0a8117e08ec0f97cfc3d9'],
  [16, '6ee2a4ca67b054bbfd3315bf85230577'],
  [63, '5150d1772f50834a503e069a973fbd7c'],
])

it('is SipHash-2-4 with 128 bits, wherever the bytes lie', () => {
  const hash = new KeyHash(Uint8Array.from({ length: 16 }, (_, index) => index))
  for (const [length, expected] of vectors) {
    const bytes = Buffer.alloc(3 + length + 5, 0xff)
    for (let index = 0; index < length; index++) bytes[3 + index] = index
    hash.hash(bytes, 3, 3 + length)
    expect(Buffer.from(hash.words.buffer).toString('hex')).toBe(expected)
  }
})
