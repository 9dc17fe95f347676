/** Times in UTC, by the letters of strftime. */
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
const DAY_MS = 86_400_000

const pad = (value: number, width = 2, fill = '0') => String(value).padStart(width, fill)

const LETTERS: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => DAYS[date.getUTCDay()]!.slice(0, 3),
  A: (date) => DAYS[date.getUTCDay()]!,
  b: (date) => MONTHS[date.getUTCMonth()]!.slice(0, 3),
  B: (date) => MONTHS[date.getUTCMonth()]!,
  d: (date) => pad(date.getUTCDate()),
  e: (date) => pad(date.getUTCDate(), 2, ' '),
  f: (date) => pad(date.getUTCMilliseconds() * 1_000, 6),
  H: (date) => pad(date.getUTCHours()),
  I: (date) => pad(date.getUTCHours() % 12 || 12),
  j: (date) => pad(Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear())) / DAY_MS) + 1, 3),
  L: (date) => pad(date.getUTCMilliseconds(), 3),
  m: (date) => pad(date.getUTCMonth() + 1),
  M: (date) => pad(date.getUTCMinutes()),
  n: () => '\n',
  p: (date) => (date.getUTCHours() < 12 ? 'AM' : 'PM'),
  s: (date) => String(Math.floor(date.getTime() / 1_000)),
  S: (date) => pad(date.getUTCSeconds()),
  t: () => '\t',
  u: (date) => String(date.getUTCDay() || 7),
  w: (date) => String(date.getUTCDay()),
  y: (date) => pad(date.getUTCFullYear() % 100),
  Y: (date) => String(date.getUTCFullYear()),
  z: () => '+0000',
  Z: () => 'UTC',
  '%': () => '%',
}

const SHORTHANDS: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  R: '%H:%M',
  r: '%I:%M:%S %p',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
  h: '%b',
}

/** Throws `SyntaxError` for letters that are not known. */
export function timeFormat(format: string): (timestamp: number) => string {
  const long = format.replaceAll(/%([cDFRrTxXh])/g, (_, letter: string) => SHORTHANDS[letter]!)
  for (const [, letter] of long.matchAll(/%(.?)/g)) {
    if (!LETTERS[letter!]) throw new SyntaxError(`'%${letter}' is no letter of strftime here`)
  }
  return (timestamp) => {
    const date = new Date(timestamp)
    if (Number.isNaN(date.getTime())) return String(timestamp)
    return long.replaceAll(/%(.)/g, (_, letter: string) => LETTERS[letter]!(date))
  }
}
