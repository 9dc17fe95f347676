import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What load.c is to do. */
export interface RawLoad {
  readonly frames: readonly Buffer[]
  readonly connections: number
  /** Requests ahead of the answers. */
  readonly depth: number
  readonly seconds: number
  /** Each connection sends one of the frames alone. */
  readonly own?: boolean
  /** Requests per second, however long the answers take; else as many as are answered. */
  readonly rate?: number
}

export interface RawResult {
  readonly requestsPerSecond: number
  readonly mbOutPerSecond: number
  readonly mbInPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  /** With those that warmed up. */
  readonly requests: number
  readonly bytesOut: number
  readonly bytesIn: number
}

/** Compiles one of the C programs here into `directory`. */
export function compile(source: string, directory: string): string {
  const output = join(directory, source.replace('.c', ''))
  const input = join(import.meta.dirname, source)
  execFileSync('cc', ['-O3', '-msse4.2', '-o', output, input], { stdio: 'inherit' })
  return output
}

let runs = 0

export async function runRaw(program: string, port: number, load: RawLoad): Promise<RawResult> {
  const { frames, connections, depth, seconds, own = false, rate } = load
  const file = `${program}.frames-${runs++}`
  writeFileSync(file, Buffer.concat(frames))
  const args = [port, connections, depth, seconds, own ? 'own' : 'all', file]
  const all = [...args, ...(rate === undefined ? [] : [rate])].map(String)
  const child = spawn(program, all, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  const [code] = await once(child, 'close')
  rmSync(file)
  if (code !== 0) throw new Error(`the load generator ended with ${code}`)
  return JSON.parse(text)
}
