import { ConfigError } from './parse-value.ts'

export interface HttpListener {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

/**
 * `dohle.http.listener`: `8080` and `:8080` are on loopback, `0.0.0.0:8080` and `[::1]:8080` say
 * where. Throws `ConfigError`.
 */
export function parseHttpListener(text: string): HttpListener {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):)?(\d{1,5})$/.exec(text.trim())
  const port = match ? Number(match[3]) : Number.NaN
  if (!match || port > 65_535) {
    throw new ConfigError(
      `dohle.http.listener: '${text}' is not an address to listen on; use PORT or HOST:PORT`,
    )
  }
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port }
}
