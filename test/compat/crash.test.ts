import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, describe, expect, it } from 'vitest'
import { cpuSeconds } from '../../bench/brokers.ts'
import { Dohle } from './broker.ts'
import { kafkaTool } from './kafka-tools.ts'
import { runWell, stopAllPrograms } from './process.ts'
import { freePort } from './transactions/free-port.ts'
import { expectWritten, startWriters, writtenSince } from './writers.ts'

const KILLS = 20
/** Numbers that each writer has acknowledged between two kills, so that each hits a working one. */
const ACKED_BETWEEN = 200
const START_LIMIT_SECONDS = 2

afterEach(() => stopAllPrograms())

/** Starts dohle on a directory that was killed before. */
function restart(port: number, directory: string): Promise<Dohle> {
  return Dohle.start(['--port', `${port}`], directory)
}

describe('kill -9', () => {
  it(`${KILLS} times under load loses, doubles and reorders nothing that was acknowledged`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'dohle-crash-'))
    const port = await freePort()
    const topic = 'log'
    let dohle = await restart(port, directory)
    const { bootstrap } = dohle
    const where = ['--bootstrap-server', bootstrap, '--topic', topic, '--partitions', '3']
    await runWell(kafkaTool('kafka-topics', ['--create', ...where]))
    const writers = startWriters(bootstrap, topic)
    for (let kill = 0; kill < KILLS; kill++) {
      await writtenSince(writers, ACKED_BETWEEN)
      await delay(Math.random() * 50)
      await dohle.program.stop('SIGKILL')
      dohle = await restart(port, directory)
    }
    await expectWritten(writers, bootstrap, topic)
    expect(await dohle.stop()).toBe(0)
    rmSync(directory, { recursive: true })
  }, 600_000)

  it('with 1,000 partitions is followed by a start that costs less than 2 s', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'dohle-crash-'))
    const port = await freePort()
    const dohle = await restart(port, directory)
    const kafka = new Kafka({ brokers: [dohle.bootstrap], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    const producer = kafka.producer()
    await Promise.all([admin.connect(), producer.connect()])
    const names = Array.from({ length: 10 }, (_, i) => `wide-${i}`)
    const topics = names.map((topic) => ({ topic, numPartitions: 100 }))
    await admin.createTopics({ topics })
    const messages = Array.from({ length: 100 }, (_, partition) => ({ partition, value: 'x' }))
    await producer.sendBatch({ topicMessages: names.map((topic) => ({ topic, messages })) })
    await Promise.all([admin.disconnect(), producer.disconnect()])
    let running = dohle
    const costs: number[] = []
    // Of the processor, and the best of five: what is more was other jobs of the machine.
    for (let kill = 0; kill < 5; kill++) {
      await running.program.stop('SIGKILL')
      running = await restart(port, directory)
      costs.push(cpuSeconds(running.program))
    }
    expect(Math.min(...costs)).toBeLessThan(START_LIMIT_SECONDS)
    const offsets = await runWell(
      kafkaTool('kafka-get-offsets', ['--bootstrap-server', running.bootstrap]),
    )
    const ends = offsets.filter((line) => line.startsWith('wide-'))
    expect(ends).toHaveLength(1_000)
    expect(ends.every((line) => line.endsWith(':1'))).toBe(true)
    await running.stop()
    rmSync(directory, { recursive: true })
  }, 600_000)
})
