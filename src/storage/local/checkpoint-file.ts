import type { PartitionName } from './file-names.ts'

/**
 * The text format of all checkpoint files: version 0, number of entries, one entry a line
 * (reference: log-storage.md section 1). A file that does not parse is undefined, never a part.
 */
export interface OffsetCheckpointEntry extends PartitionName {
  readonly offset: number
}

export interface EpochEntry {
  readonly epoch: number
  readonly startOffset: number
}

export function formatOffsetCheckpoint(entries: readonly OffsetCheckpointEntry[]): string {
  return format(entries.map((entry) => `${entry.topic} ${entry.partition} ${entry.offset}`))
}

export function parseOffsetCheckpoint(text: string): OffsetCheckpointEntry[] | undefined {
  return parse(text, (fields) => {
    const [topic = '', partition = '', offset = ''] = fields
    if (fields.length !== 3 || topic === '') return undefined
    const entry = { topic, partition: integer(partition), offset: integer(offset) }
    return Number.isNaN(entry.partition) || Number.isNaN(entry.offset) ? undefined : entry
  })
}

export function formatEpochCheckpoint(entries: readonly EpochEntry[]): string {
  return format(entries.map((entry) => `${entry.epoch} ${entry.startOffset}`))
}

export function parseEpochCheckpoint(text: string): EpochEntry[] | undefined {
  return parse(text, (fields) => {
    const [epoch = '', startOffset = ''] = fields
    const entry = { epoch: integer(epoch), startOffset: integer(startOffset) }
    if (fields.length !== 2 || Number.isNaN(entry.epoch + entry.startOffset)) return undefined
    return entry
  })
}

function format(lines: readonly string[]): string {
  return `0\n${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`
}

function parse<T>(
  text: string,
  entryOf: (fields: readonly string[]) => T | undefined,
): T[] | undefined {
  const [version, count, ...lines] = text.split('\n')
  while (lines.at(-1) === '') lines.pop()
  if (version !== '0' || count === undefined || integer(count) !== lines.length) return undefined
  const entries: T[] = []
  for (const line of lines) {
    const entry = entryOf(line.trim().split(/\s+/))
    if (entry === undefined) return undefined
    entries.push(entry)
  }
  return entries
}

/** Saturates beyond 2^53-1, as all int64 do; NaN for what is no integer. */
function integer(text: string): number {
  if (!/^-?[0-9]{1,19}$/.test(text)) return Number.NaN
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(text)))
}
