/** Binary text taken apart by the letters of rpk's `unpack`: numbers come out as text. */
const SIZES: Readonly<Record<string, number>> = {
  x: 1,
  b: 1,
  B: 1,
  h: 2,
  H: 2,
  i: 4,
  I: 4,
  q: 8,
  Q: 8,
  c: 1,
  '.': 1,
}

/** Throws `SyntaxError` for letters that are not known. */
export function unpackFormat(pattern: string): (bytes: Buffer) => Buffer {
  const wrong = [...pattern].find((letter) => !/[<>s$]/.test(letter) && !SIZES[letter])
  if (wrong !== undefined) throw new SyntaxError(`'${wrong}' is no letter of unpack`)
  return (bytes) => unpack(pattern, bytes)
}

function unpack(pattern: string, bytes: Buffer): Buffer {
  const out: Buffer[] = []
  let isLittle = false
  let at = 0
  for (const letter of pattern) {
    if (letter === '<' || letter === '>') {
      isLittle = letter === '<'
    } else if (letter === 's') {
      out.push(bytes.subarray(at))
      at = bytes.length
    } else if (letter === '$') {
      if (at < bytes.length) out.push(Buffer.from(`unpack: ${bytes.length - at} bytes are left`))
    } else {
      const size = SIZES[letter]!
      if (at + size > bytes.length) {
        out.push(Buffer.from(`unpack: no ${size} bytes are left for ${letter}`))
        break
      }
      out.push(unpacked(letter, bytes.subarray(at, at + size), isLittle))
      at += size
    }
  }
  return Buffer.concat(out)
}

function unpacked(letter: string, bytes: Buffer, isLittle: boolean): Buffer {
  if (letter === 'x') return Buffer.alloc(0)
  if (letter === 'c' || letter === '.') return bytes
  const big = isLittle ? Buffer.from(bytes).reverse() : bytes
  const unsigned = BigInt(`0x${big.toString('hex')}`)
  const isSigned = letter === letter.toLowerCase()
  const value = isSigned ? BigInt.asIntN(bytes.length * 8, unsigned) : unsigned
  return Buffer.from(String(value))
}
