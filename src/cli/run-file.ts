import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** A dohle that runs, as it tells others of the same user. */
export interface RunFile {
  readonly pid: number
  readonly startedAtMs: number
  /** Absolute; null when nothing is kept. */
  readonly dataDirectory: string | null
  readonly host: string
  /** Of the control API, for this user alone; left out: none. */
  readonly controlSocket?: string
}

function directory(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return join(cache, 'dohle', 'run')
}

function fileOf(port: number): string {
  return join(directory(), `${port}.json`)
}

/**
 * Notes who listens on `port`, so that the next one can say whom it met. Only a courtesy: where it
 * cannot be written nothing else fails.
 */
export function writeRunFile(port: number, run: RunFile): void {
  try {
    mkdirSync(directory(), { recursive: true, mode: 0o700 })
    writeFileSync(fileOf(port), JSON.stringify(run), { mode: 0o600 })
  } catch {}
}

/** Where the control API of a process can be reached by its user; the directory is nobody else's. */
export function controlSocketOf(port: number): string {
  mkdirSync(directory(), { recursive: true, mode: 0o700 })
  return join(directory(), `${port}.sock`)
}

export function removeRunFile(port: number): void {
  if (readRunFile(port)?.pid === process.pid) rmSync(fileOf(port), { force: true })
}

/** Undefined when there is none, or its process is gone. */
export function readRunFile(port: number): RunFile | undefined {
  try {
    const run: RunFile = JSON.parse(readFileSync(fileOf(port), 'utf8'))
    return isAlive(run.pid) ? run : undefined
  } catch {
    return undefined
  }
}

/** Of all that run; those that ended without a word are left out. */
export function readRunFiles(): (RunFile & { readonly port: number })[] {
  const ports = filesIn(directory()).flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? [])
  return ports.map(Number).flatMap((port) => {
    const run = readRunFile(port)
    return run ? [{ ...run, port }] : []
  })
}

function filesIn(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
