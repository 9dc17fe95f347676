import type { Files } from '../storage/local/files.ts'

/** Belongs to whoever runs, not to the data. */
const LOCK_FILE = '.lock'

interface KeptFile {
  readonly bytes: Buffer
  readonly modifiedMs: number
}

/**
 * All that a broker keeps at one moment: topics, records, groups, offsets, transactions, configs.
 * It does not change, and may be restored any number of times, also in other brokers.
 */
export class Snapshot {
  readonly sizeBytes: number
  /** @internal By path in the data directory; null is a directory. */
  readonly entries: ReadonlyMap<string, KeptFile | null>

  /** @internal */
  constructor(entries: ReadonlyMap<string, KeptFile | null>) {
    this.entries = entries
    let sizeBytes = 0
    for (const file of entries.values()) sizeBytes += file?.bytes.byteLength ?? 0
    this.sizeBytes = sizeBytes
  }
}

/** Reads a data directory as it stands; what was acknowledged is all in its files. */
export function readSnapshot(files: Files, directory: string): Snapshot {
  const entries = new Map<string, KeptFile | null>()
  const visit = (prefix: string) => {
    for (const { name, kind } of files.list(`${directory}${prefix}`)) {
      const path = `${prefix}/${name}`
      if (kind === 'directory') {
        entries.set(path, null)
        visit(path)
      } else if (path !== `/${LOCK_FILE}`) {
        const bytes = files.readFile(`${directory}${path}`)
        const stat = files.stat(`${directory}${path}`)
        if (bytes && stat) entries.set(path, { bytes, modifiedMs: stat.modifiedMs })
      }
    }
  }
  visit('')
  return new Snapshot(entries)
}

/** Makes a data directory, which nobody uses, what it was. */
export function writeSnapshot(files: Files, directory: string, snapshot: Snapshot): void {
  clearDirectory(files, directory)
  for (const [path, file] of snapshot.entries) {
    const target = `${directory}${path}`
    if (!file) files.makeDirectory(target)
    else {
      files.writeFile(target, file.bytes)
      files.setModifiedMs(target, file.modifiedMs)
    }
  }
}

export function clearDirectory(files: Files, directory: string): void {
  files.makeDirectory(directory)
  for (const { name, kind } of files.list(directory)) {
    if (name === LOCK_FILE) continue
    if (kind === 'directory') files.removeDirectory(`${directory}/${name}`)
    else files.removeFile(`${directory}/${name}`)
  }
}
