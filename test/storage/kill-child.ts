/**
 * A process that writes to a data directory by a fixed script and dies at a chosen change to the
 * disk: `kill-child DIRECTORY CALL MODE`. Prints a line for each acknowledgement, and `done CALLS`
 * when it got through.
 */
import { writeSync } from 'node:fs'
import { MetadataLog } from '../../src/storage/local/metadata-log.ts'
import { batchOf, markerOf } from './batches.ts'
import { DyingFiles } from './dying-files.ts'
import { EngineFixture, TOPIC } from './engine-fixture.ts'
import { createRealTopic, KILL_CONFIG, PARTITIONS } from './kill-script.ts'

const [directory = '', dieAt = '', plan = ''] = process.argv.slice(2)
const files = new DyingFiles(Number(dieAt))
/** The planted defect: this one tells the client before it writes. */
const acksEarly = plan === 'early'
const options = {
  openMetadata: MetadataLog.open,
  durability: { mode: plan === 'sync' ? 'sync' : 'os' } as const,
}
const fixture = new EngineFixture(files, directory, { config: KILL_CONFIG, options })

function print(line: string): void {
  writeSync(1, `${line}\n`)
}

async function append(partition: number, batch: Buffer, value: string): Promise<void> {
  const { logEndOffset } = fixture.engine.log.bounds({ topicId: TOPIC, partition })
  const line = `acked ${partition} ${logEndOffset} ${value}`
  if (acksEarly) print(line)
  const result = await fixture.append(batch, { partition, transactionVerified: true })
  if (result.errorCode !== 0) throw new Error(`append failed with ${result.errorCode}`)
  if (!acksEarly && value !== '') print(line)
}

async function write(from: number, to: number): Promise<void> {
  for (let round = from; round < to; round++) {
    const header = { producerEpoch: 0, baseSequence: round }
    const plain = `i${round}${'.'.repeat(40)}`
    await append(0, batchOf({ values: [plain], producerId: 7, ...header }), plain)
    const value = `t${round}`
    const transactional = { producerId: 9, ...header, transactional: true }
    await append(1, batchOf({ values: [value], ...transactional }), value)
    await append(1, markerOf(round % 2 ? 'ABORT' : 'COMMIT', 9, 0), '')
  }
}

await fixture.open()
if (!fixture.engine.metadata.image.topicsByName.has('topic')) await createRealTopic(fixture)
print(`partitions ${PARTITIONS}`)
await write(0, 8)
await fixture.engine.log.deleteRecords({ topicId: TOPIC, partition: 0 }, 4)
print('start 0 4')
fixture.engine.runRetention()
fixture.clock.advance(60_000)
await fixture.restart()
await write(8, 16)
fixture.clock.advance(60_000)
await fixture.engine.close()
print(`done ${files.callCount}`)
