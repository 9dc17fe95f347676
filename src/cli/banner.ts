import { DEFAULT_DATA_DIRECTORY } from './command-line.ts'
import { version } from './version.ts'

/** Where the data is: null when it is nowhere but in memory. */
export function firstLine(dataDirectory: string | null): string {
  if (dataDirectory === null) return `dohle ${version} · data in memory, gone when it stops\n`
  const hint = dataDirectory === DEFAULT_DATA_DIRECTORY ? ' (--memory keeps nothing)' : ''
  return `dohle ${version} · data in ${dataDirectory}${hint}\n`
}

/** Printed when clients may come: where, and how long it took. */
export function readyLines(
  addresses: readonly string[],
  controlUrl: string | undefined,
  startMs: number,
): string {
  const kafka = addresses.map((address, i) => `  ${i === 0 ? 'Kafka   ' : '        '} ${address}\n`)
  const control = controlUrl === undefined ? '' : `  Control  ${controlUrl}\n`
  return `${kafka.join('')}${control}  ready in ${Math.round(startMs)} ms · Ctrl-C to stop\n`
}

/** `localhost:9092`, `[::1]:9092`. */
export function addressText(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
