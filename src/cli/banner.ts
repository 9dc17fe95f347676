import { DEFAULT_DATA_DIRECTORY } from './command-line.ts'
import { version } from './version.ts'

/** `folders`: where the data is; null when it is nowhere but in memory. */
export function firstLine(folders: string | null): string {
  if (folders === null) return `dohle ${version} · data in memory, gone when it stops\n`
  const hint = folders === DEFAULT_DATA_DIRECTORY ? ' (--memory keeps nothing)' : ''
  return `dohle ${version} · data in ${folders}${hint}\n`
}

/** Of what is served besides Kafka's protocol. */
export interface OtherAddresses {
  /** Of health and metrics, as `127.0.0.1:8080`; undefined: not served. */
  readonly http?: string | undefined
  /** URL of the control API; undefined: none. */
  readonly control?: string | undefined
}

/** Printed when clients may come: where, and how long it took. */
export function readyLines(
  addresses: readonly string[],
  { http, control }: OtherAddresses,
  startMs: number,
): string {
  const kafka = addresses.map((address, i) => `  ${i === 0 ? 'Kafka   ' : '        '} ${address}\n`)
  const others = [
    ...(http === undefined ? [] : [`  Health   http://${http}/readyz and /metrics\n`]),
    ...(control === undefined ? [] : [`  Control  ${control}\n`]),
  ]
  return `${kafka.join('')}${others.join('')}  ready in ${Math.round(startMs)} ms · Ctrl-C to stop\n`
}

/** `localhost:9092`, `[::1]:9092`. */
export function addressText(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
