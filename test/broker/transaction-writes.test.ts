import { afterEach, expect, it, vi } from 'vitest'
import type { FileAccess, OpenFile } from '../../src/storage/local/files.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { EngineFixture, NOW_MS } from '../storage/engine-fixture.ts'
import { startTestBroker, type TestBroker } from './test-broker.ts'
import { stateOf, TransactionalClient } from './transactional-client.ts'

/** Notes what is done to logs, in order: `write topic-0`, `sync topic-0`. */
class RecordingFiles extends MemoryFiles {
  calls: string[] = []

  override open(path: string, access: FileAccess): OpenFile {
    const file = super.open(path, access)
    const log = /([^/]+)\/\d+\.log$/.exec(path)?.[1]
    if (log === undefined) return file
    const note = (verb: string) => {
      this.calls.push(`${verb} ${log}`)
    }
    const { writeSync, write, writevSync, datasync } = file
    return Object.assign(file, {
      writeSync: (...args: Parameters<OpenFile['writeSync']>) => {
        note('write')
        writeSync.apply(file, args)
      },
      write: (...args: Parameters<OpenFile['write']>) => {
        note('write')
        return write.apply(file, args)
      },
      writevSync: (...args: Parameters<OpenFile['writevSync']>) => {
        note('write')
        writevSync.apply(file, args)
      },
      datasync: () => {
        note('sync')
        return datasync.call(file)
      },
    })
  }
}

const settings = {
  'transaction.state.log.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
}

let broker: TestBroker
let fixture: EngineFixture
afterEach(async () => {
  await broker.close()
  await fixture.engine.close()
})

it.each(['os', 'sync'] as const)(
  'a transaction of 100 partitions commits in one round of writes in mode %s',
  async (mode) => {
    const files = new RecordingFiles(() => NOW_MS)
    const options = { durability: { mode } } as const
    fixture = await new EngineFixture(files, '/data', { options }).open()
    broker = await startTestBroker({ fixture, settings })
    const value = { name: 'transaction.version', featureLevel: 2 }
    broker.metadata.commit([{ type: 'FeatureLevelRecord', value }])
    broker.createTopic('wide', 100)
    const client = new TransactionalClient(broker, 'tx', 'epoch bump')
    expect(await client.init()).toBe('NONE')
    const all = Array.from({ length: 100 }, (_, partition) => partition)
    expect(await client.send('wide', all, 'a')).toBe('NONE')
    files.calls = []
    expect(await client.end('commit')).toBe('NONE')
    await vi.waitFor(async () => expect(await stateOf(broker, 'tx')).toBe('CompleteCommit'))
    const verbs = mode === 'sync' ? ['write', 'sync'] : ['write']
    const state = (call: string) => /__transaction_state/.test(call)
    // The end is decided, told to all, and complete.
    const rounds = files.calls.join('\n').split(/\n(?=write __transaction_state)/)
    const [decided, completed] = rounds.map((round) => round.split('\n'))
    expect(rounds).toHaveLength(2)
    expect(decided!.filter(state)).toHaveLength(verbs.length)
    expect(completed!.every(state)).toBe(true)
    expect(completed).toHaveLength(verbs.length)
    const told = all.flatMap((partition) => verbs.map((verb) => `${verb} wide-${partition}`))
    expect(decided!.filter((call) => !state(call)).sort()).toEqual(told.sort())
    const syncs = decided!.filter((call) => !state(call)).map((call) => call.split(' ')[0])
    // All are written before anybody waits for the disk.
    expect(syncs.lastIndexOf('write')).toBe(99)
  },
)
