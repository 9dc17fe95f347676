import type { Clock } from '../base/clock.ts'
import type { Settings } from '../settings/settings.ts'
import { MemoryFiles } from '../storage/local/memory-files.ts'
import { NodeFiles } from '../storage/local/node-files.ts'
import { FullFiles } from './faults/full-files.ts'

/** What an `EmbeddedBroker` keeps its data on: memory or the disk, as the settings have it. */
export function createDisk({ settings, clock }: { settings: Settings; clock: Clock }): FullFiles {
  return new FullFiles(settings.memory ? new MemoryFiles(() => clock.nowMs()) : new NodeFiles())
}
