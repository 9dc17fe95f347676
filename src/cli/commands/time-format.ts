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

/** What Go writes a layout with, the longer ones first, by the letter of strftime; UTC has no offset. */
const GO_LAYOUT: Readonly<Record<string, string>> = {
  January: 'B',
  Jan: 'b',
  Monday: 'A',
  Mon: 'a',
  MST: 'Z',
  '2006': 'Y',
  '002': 'j',
  '-0700': 'z',
  '01': 'm',
  '02': 'd',
  _2: 'e',
  '15': 'H',
  '03': 'I',
  '04': 'M',
  '05': 'S',
  '06': 'y',
  PM: 'p',
}

/** Numbers without a zero before them, and offsets of UTC, by what they show. */
const GO_OTHERS: Readonly<Record<string, (date: Date) => string>> = {
  'Z07:00': () => 'Z',
  Z0700: () => 'Z',
  '-07:00': () => '+00:00',
  '-07': () => '+00',
  pm: (date) => (date.getUTCHours() < 12 ? 'am' : 'pm'),
  '1': (date) => String(date.getUTCMonth() + 1),
  '2': (date) => String(date.getUTCDate()),
  '3': (date) => String(date.getUTCHours() % 12 || 12),
  '4': (date) => String(date.getUTCMinutes()),
  '5': (date) => String(date.getUTCSeconds()),
}

const GO_WORDS = new RegExp(
  `[.,](?:0+|9+)(?!\\d)|${[...Object.keys(GO_LAYOUT), ...Object.keys(GO_OTHERS)]
    .sort((a, b) => b.length - a.length)
    .join('|')}`,
  'g',
)

/** Times in UTC by a layout of Go's: `2006-01-02T15:04:05.000Z07:00`. */
export function goTimeFormat(layout: string): (timestamp: number) => string {
  return (timestamp) => {
    const date = new Date(timestamp)
    if (Number.isNaN(date.getTime())) return String(timestamp)
    return layout.replaceAll(GO_WORDS, (word) => {
      const letter = GO_LAYOUT[word]
      return letter ? LETTERS[letter]!(date) : (GO_OTHERS[word]?.(date) ?? fraction(word, date))
    })
  }
}

/** `.000` shows that many digits, `.999` leaves zeros at the end out. */
function fraction(word: string, date: Date): string {
  const digits = pad(date.getUTCMilliseconds(), 3)
    .padEnd(9, '0')
    .slice(0, word.length - 1)
  const shown = word.includes('9') ? digits.replace(/0+$/, '') : digits
  return shown === '' ? '' : word.charAt(0) + shown
}
