import { LOST_DIRECTORY, UNASSIGNED_DIRECTORY, type Uuid } from '../../base/uuid.ts'
import {
  type EngineContext,
  type LogDirectory,
  type NewPlacement,
  StorageError,
} from '../engine.ts'
import type { PartitionImage } from '../metadata-store.ts'
import { DataDirectory } from './data-directory.ts'
import { META_PROPERTIES_FILE, METADATA_TOPIC_NAME, partitionDirectoryName } from './file-names.ts'
import { type Files, parentOf } from './files.ts'

/** Begin the messages of system errors. */
const PASSING = ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']

/** Nothing was said yet of where a replica is to be: it may also be on its way from ZooKeeper. */
function isUnassigned(id: Uuid | undefined): boolean {
  return id === undefined || id < LOST_DIRECTORY
}

/**
 * The directories of log.dirs, and that of the metadata log. Each has its own lock, identity and
 * checkpoint files, and holds the partitions that the metadata says are in it.
 */
export class LogDirectories {
  /** Those of partitions, in the order of log.dirs. */
  readonly all: readonly DataDirectory[]
  /** That of `__cluster_metadata-0`. */
  readonly metadata: DataDirectory
  readonly #files: Files
  readonly #context: EngineContext
  readonly #byPath: ReadonlyMap<string, DataDirectory>

  constructor(
    files: Files,
    paths: { readonly dataDirs: readonly string[]; readonly metadataDir: string | undefined },
    context: EngineContext,
  ) {
    this.#files = files
    this.#context = context
    this.all = paths.dataDirs.map((path) => new DataDirectory(files, path, context))
    this.#byPath = new Map(this.all.map((directory) => [directory.path, directory]))
    const { metadataDir = this.all[0]!.path } = paths
    const own = this.#byPath.get(metadataDir)
    this.metadata = own ?? new DataDirectory(files, metadataDir, context)
  }

  get clusterId(): string {
    return this.metadata.clusterId
  }

  /** Those that can be used. */
  get online(): DataDirectory[] {
    return this.all.filter(({ isOffline }) => !isOffline)
  }

  get wasClean(): boolean {
    return this.opened.every(({ wasClean }) => wasClean)
  }

  /** All that are in use, that of the metadata log with them. */
  get opened(): DataDirectory[] {
    return [...new Set([this.metadata, ...this.online])]
  }

  /** Takes all locks. New directories become part of the cluster that the others belong to. */
  async open(clusterId: string | undefined): Promise<void> {
    const isNew = (directory: DataDirectory) => this.#isNew(directory)
    const every = [...new Set([this.metadata, ...this.all])]
    try {
      let knownId = clusterId
      for (const directory of [...every.filter((one) => !isNew(one)), ...every.filter(isNew)]) {
        await this.#openOne(directory, knownId)
        if (!directory.isOffline) knownId ??= directory.clusterId
      }
      this.#checkMetadataPlace()
      this.#checkIds()
    } catch (error) {
      this.release()
      throw error
    }
  }

  /** One that cannot be looked at says why when it is opened. */
  #isNew({ path }: DataDirectory): boolean {
    try {
      return this.#files.stat(`${path}/${META_PROPERTIES_FILE}`) === undefined
    } catch {
      return true
    }
  }

  async #openOne(directory: DataDirectory, clusterId: string | undefined): Promise<void> {
    try {
      await directory.open(clusterId)
      if (directory !== this.metadata && this.hasFailed(directory)) {
        const text = `The data directory ${directory.path} cannot be written: ${directory.writeProblem()}`
        throw new StorageError('unreadable', text)
      }
    } catch (error) {
      const isBroken = error instanceof StorageError && error.kind === 'unreadable'
      if (!isBroken || directory === this.metadata) throw error
      directory.release()
      directory.isOffline = true
      const fields = { path: directory.path, reason: error.message }
      this.#context.report('error', 'data directory is offline: it cannot be used', fields)
    }
  }

  /** Another order of log.dirs would make all partitions those of an unknown cluster. */
  #checkMetadataPlace(): void {
    const name = partitionDirectoryName(METADATA_TOPIC_NAME, 0)
    for (const { path } of this.all) {
      if (path === this.metadata.path || !this.#files.stat(`${path}/${name}`)) continue
      throw new StorageError(
        'mismatch',
        `Found unexpected metadata location in data directory \`${path}/${name}\` (the configured metadata directory is ${this.metadata.path}). Set metadata.log.dir=${path}, or name that directory first in log.dirs.`,
      )
    }
  }

  #checkIds(): void {
    const seen = new Map<Uuid, string>()
    for (const { directoryId, path } of this.opened) {
      const other = seen.get(directoryId)
      if (other !== undefined) {
        const text = `${other} and ${path} have the same directory.id: one is a copy of the other. Remove it from log.dirs.`
        throw new StorageError('mismatch', text)
      }
      seen.set(directoryId, path)
    }
  }

  /**
   * True when a directory cannot be written for another reason than that the disk is full, which
   * passes. The only one is never given up: reads go on, and writes when the disk does better.
   */
  hasFailed(directory: DataDirectory): boolean {
    if (directory.isOffline || this.all.length === 1) return false
    const problem = directory.writeProblem()
    return problem !== undefined && !PASSING.some((code) => problem.startsWith(code))
  }

  /** Of a path of log.dirs. */
  at(path: string): DataDirectory | undefined {
    return this.#byPath.get(path)
  }

  /** Which one a partition's directory is in. */
  holding(partitionPath: string): DataDirectory {
    return this.#byPath.get(parentOf(partitionPath)) ?? this.metadata
  }

  /**
   * Where the metadata has a partition; `counts` tell how many are in which directory, for one that
   * was never assigned. Undefined when that directory is not there.
   */
  placeOf(
    { replicas, directories }: PartitionImage,
    counts: ReadonlyMap<DataDirectory, number>,
  ): DataDirectory | undefined {
    const index = replicas.indexOf(this.#context.brokerId)
    // Another broker of this process: all of them are over one directory.
    if (index < 0) return this.all[0]
    const id = directories[index]
    if (isUnassigned(id)) return this.leastUsed(this.online, counts)
    return this.online.find(({ directoryId }) => directoryId === id)
  }

  /** The one with the fewest partitions; of several, the one that log.dirs names first. */
  leastUsed(
    candidates: readonly DataDirectory[],
    counts: ReadonlyMap<DataDirectory, number>,
  ): DataDirectory | undefined {
    let least: DataDirectory | undefined
    for (const one of candidates) {
      if (!least || (counts.get(one) ?? 0) < (counts.get(least) ?? 0)) least = one
    }
    return least
  }

  /** Ids of directories for new partitions, each next one with those before it counted. */
  placement(counts: Map<DataDirectory, number>): NewPlacement {
    return (candidates) => {
      const online = this.online.filter(({ directoryId }) => candidates.includes(directoryId))
      const place = this.leastUsed(online, counts)
      if (!place) return UNASSIGNED_DIRECTORY
      counts.set(place, (counts.get(place) ?? 0) + 1)
      return place.directoryId
    }
  }

  describe(): LogDirectory[] {
    return this.all.map(({ path, directoryId: id, isOffline }) => {
      const space = isOffline ? { totalBytes: -1, usableBytes: -1 } : this.#files.space(path)
      return { path, id, isOffline, ...space }
    })
  }

  release(): void {
    for (const directory of new Set([this.metadata, ...this.all])) directory.release()
  }
}
