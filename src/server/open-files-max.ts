import { readFileSync } from 'node:fs'

/** Where a system does not tell; all that Node runs on allow more when it has raised its limit. */
const UNKNOWN = 1_000

/** A directory of a broker of this size rarely has more in use at a time. */
const MOST = 20_000

/**
 * How many files of logs are kept open when nobody said so: half of what the process may open, as
 * connections need the rest. A record for a partition whose file is closed costs an open and a
 * close, about as much as all else that is done for it.
 */
export function defaultOpenFilesMax(limits = readLimits()): number {
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1]
  if (soft === undefined) return UNKNOWN
  return soft === 'unlimited' ? MOST : Math.min(MOST, Math.floor(Number(soft) / 2))
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8')
  } catch {
    return ''
  }
}
