/** Numbers as text or bytes; what does not fit is cut off, as the modifiers of rpk do. */
export type NumberFormat = (value: number) => Buffer

const HEX = /^hex(64|32|16|8|4)$/
const ENDIAN = /^(big|little)(64|32|16|8)$/

/** Undefined when it is no modifier of numbers. */
export function numberFormat(modifier: string | undefined): NumberFormat | undefined {
  if (modifier === undefined || modifier === 'ascii' || modifier === 'number') {
    return (value) => Buffer.from(String(value))
  }
  if (modifier === 'bool') return (value) => Buffer.from(value === 0 ? 'false' : 'true')
  if (modifier === 'byte') return (value) => numberBytes(value, 1, true)
  const hex = HEX.exec(modifier)
  if (hex) {
    const bits = Number(hex[1])
    return (value) => {
      const text = BigInt.asUintN(bits, BigInt(value)).toString(16)
      return Buffer.from(text.padStart(bits / 4, '0'))
    }
  }
  const endian = ENDIAN.exec(modifier)
  if (!endian) return undefined
  return (value) => numberBytes(value, Number(endian[2]) / 8, endian[1] === 'big')
}

function numberBytes(value: number, byteCount: number, isBig: boolean): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)))
  const cut = bytes.subarray(8 - byteCount)
  return isBig ? cut : cut.reverse()
}
