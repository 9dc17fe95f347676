/** As Java prints a double: always with a point, with an exponent outside 10^-3 to 10^7. */
export function javaDouble(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size === 0 || (size >= 1e-3 && size < 1e7)) {
    if (Object.is(value, -0)) return '-0.0'
    return Number.isInteger(value) ? `${value}.0` : String(value)
  }
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent.replace('+', '')}`
}
