import { resolve } from 'node:path'
import { ConfigError } from './parse-value.ts'
import type { Settings } from './settings.ts'

/** The folders of log.dirs as they were given. */
export function logFolders(settings: Settings): readonly string[] {
  return settings.logDirs ?? settings.logDir
}

/** Whether the folder with that absolute path takes no new partitions: cordoned.log.dirs (KIP-1066). */
export function isCordoned({ cordonedLogDirs }: Settings, path: string): boolean {
  return cordonedLogDirs.some((one) => one === '*' || resolve(one) === path)
}

/** Throws `ConfigError` when one is cordoned that is not there. */
export function checkCordoned(cordoned: readonly string[], settings: Settings): void {
  const known = [...logFolders(settings), '*']
  const missing = cordoned.filter((one) => !known.includes(one))
  if (missing.length === 0) return
  const what = 'All entries in cordoned.log.dirs must be present in log.dirs or log.dir'
  throw new ConfigError(`requirement failed: ${what}. Missing entries : ${missing.join(', ')}`)
}
