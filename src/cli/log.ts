import { type DestinationStream, type Logger, pino } from 'pino'
import type { LogLevel } from './command-line.ts'

export interface LogOptions {
  readonly level: LogLevel
  /** Lines for a person to read; otherwise one JSON object a line. */
  readonly readable: boolean
  readonly colors: boolean
  readonly out: DestinationStream
}

export function createLog({ level, readable, colors, out }: LogOptions): Logger {
  const options = { level, base: { pid: process.pid } }
  if (!readable) return pino(options, out)
  return pino(options, { write: (line) => out.write(readableLine(JSON.parse(line), colors)) })
}

const LEVELS: Readonly<Record<number, readonly [name: string, color: number]>> = {
  10: ['trace', 90],
  20: ['debug', 90],
  30: ['info', 32],
  40: ['warn', 33],
  50: ['error', 31],
  60: ['fatal', 31],
}

/** `14:02:11.042 warn  message  key=value ...`; a stack follows on lines of its own. */
export function readableLine(entry: Readonly<Record<string, unknown>>, colors: boolean): string {
  const { time, level, msg, pid: _, err, ...fields } = entry
  const paint = (text: string, color: number) =>
    colors ? `\u001b[${color}m${text}\u001b[0m` : text
  const [name, color] = LEVELS[Number(level)] ?? ['log', 0]
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${shortText(value)}`)
  const rest = pairs.length > 0 ? `  ${paint(pairs.join(' '), 90)}` : ''
  const stack = err === undefined ? '' : `\n${stackOf(err)}`
  return `${paint(clockTime(Number(time)), 90)} ${paint(name.padEnd(5), color)} ${msg ?? ''}${rest}${stack}\n`
}

function clockTime(ms: number): string {
  const time = new Date(ms)
  const two = (value: number) => String(value).padStart(2, '0')
  const seconds = `${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, '0')}`
  return `${two(time.getHours())}:${two(time.getMinutes())}:${seconds}`
}

function shortText(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return value
  return JSON.stringify(value)
}

function stackOf(error: unknown): string {
  const isObject = typeof error === 'object' && error !== null
  return isObject && 'stack' in error ? String(error.stack) : shortText(error)
}
