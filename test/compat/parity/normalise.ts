import type { Rule } from './command-file.ts'
import type { ToolResult } from './tool-runner.ts'

/** Where a side is found: what differs between the two by nature. */
export interface Place {
  readonly bootstrap: string
  readonly work: string
  readonly data: string
}

/** What differs from run to run on one and the same broker. */
const VARYING: readonly [pattern: RegExp, replacement: string][] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID'],
  // A topic, directory or cluster id; not a camelCase word of 22 letters.
  [
    /(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?![A-Z]?[a-z]+(?:[A-Z][a-z]+)*(?![\w-]))[\w-]{22}(?![\w-])/g,
    'ID',
  ],
  [/\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[,.]\d{3}\]/g, '[TIME]'],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,:]\d+)?(?:Z|[+-]\d\d:?\d\d)?/g, 'TIME'],
  [/(?<!\d)1[6-9]\d{11}(?!\d)/g, 'MILLIS'],
  [/\b(adminclient|console-producer|console-consumer|consumer|producer)-\d+\b/g, '$1-N'],
  [/(?<=\w)@[0-9a-f]{5,8}\b/g, '@HASH'],
]

const STACK_FRAME = /^\s*at [\w.$/<>{}]+\([\w.$ ]+(?::\d+)?\)( ~?\[.*)?$|^\s*\.\.\. \d+ more$/
/** Warnings of the client are about the time that things take, and the JVM it shares. */
const NOISE = /^\[TIME\] (?:WARN|INFO|DEBUG)\b|^The consumer rebalance protocol \(KIP-848\)/

/** What a tool printed, as lines that are equal when the brokers behave alike. */
export function normalised(result: ToolResult, rules: readonly Rule[], place: Place): string[] {
  const stdout = lines(result.stdout, place)
  const stderr = lines(result.stderr, place)
  const all = [...stdout, ...stderr.map((line) => `stderr: ${line}`)]
  return [`exit code ${result.exitCode}`, ...rules.reduce(apply, all)]
}

function lines(text: string, place: Place): string[] {
  // What follows is a tool's own help.
  const [said = ''] = text.split(/^Option +Description/m)
  return said
    .split(/\r\n|[\r\n]/)
    .map((line) => plain(line, place))
    .filter((line) => line !== '' && !STACK_FRAME.test(line) && !NOISE.test(line))
}

function plain(line: string, { bootstrap, work, data }: Place): string {
  const port = bootstrap.split(':').at(-1) ?? ''
  let text = line.replaceAll(work, '$WORK').replaceAll(data, '$DATA')
  text = text.replace(
    new RegExp(`(?:localhost|127\\.0\\.0\\.1|\\[::1\\]):${port}\\b`, 'g'),
    'BROKER',
  )
  text = text.replace(/localhost\/(?:127\.0\.0\.1|\[?[0:]+1\]?)(?=:)/g, 'localhost/IP')
  return withoutIds(text)
    .replace(/[ \t]+/g, ' ')
    .trim()
}

/** Without what differs from run to run on one and the same broker. */
export function withoutIds(line: string): string {
  return VARYING.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line)
}

function apply(all: string[], { name, text }: Rule): string[] {
  switch (name) {
    case 'sort':
      return all.toSorted()
    case 'uniq':
      return all.filter((line, index) => line !== all[index - 1])
    case 'split':
      return all.flatMap((line) => line.split(new RegExp(`(?=${expression(text).source})`)))
    case 'keep':
      return all.filter((line) => expression(text).test(line))
    case 'drop':
    case 'known':
      return all.filter((line) => !expression(text).test(line))
    case 'sub': {
      const [pattern = '', replacement = ''] = text.slice(1).split(text.slice(0, 1))
      return all.map((line) => line.replace(new RegExp(pattern, 'g'), replacement))
    }
    default:
      throw new Error(`unknown rule: ${name}`)
  }
}

/** The expression of a rule, `/.../` and perhaps words after it. */
function expression(text: string): RegExp {
  const [, pattern] = /^\/(.*)\/(?: .*)?$/.exec(text) ?? []
  if (pattern === undefined) throw new Error(`no expression: ${text}`)
  return new RegExp(pattern)
}
