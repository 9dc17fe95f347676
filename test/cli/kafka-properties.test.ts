import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseCommandLine } from '../../src/cli/command-line.ts'
import { loadConfiguration } from '../../src/cli/configuration.ts'
import { Bench } from './commands/dohle-process.ts'

/** Keys and values of the files that distributions of Apache Kafka bring, without their comments. */
const folder = resolve(import.meta.dirname, '../golden/properties')
const files = readdirSync(folder).filter((name) => name.endsWith('.properties'))

async function load(environment: Record<string, string>, ...args: string[]) {
  const options = await parseCommandLine(args)
  if (!options) throw new Error('asks for help')
  return loadConfiguration(options, environment)
}

describe("Apache Kafka's own server.properties", () => {
  let bench: Bench
  beforeEach(() => {
    bench = new Bench()
  })
  afterEach(() => bench.close())

  it.each(files)('%s starts a broker', async (file) => {
    const broker = bench.spawn('--config', join(folder, file), '--port', '0', '--memory')
    await broker.printed(/"msg":"ready"/)
    expect(broker.stdout).not.toMatch(/"level":[56]0/)
  })

  it.each(files)(
    '%s: what has no effect is said once, and nothing else is doubted',
    async (file) => {
      const { warnings } = await load({}, '--config', join(folder, file))
      const names = warnings.map(({ name }) => name)
      expect(new Set(names).size).toBe(names.length)
      const unknown = warnings.filter(({ message }) => message.includes('is not a setting'))
      const gone = /^zookeeper\.|^inter\.broker\.protocol|^log\.message\.format/
      expect(unknown.filter(({ name }) => !gone.test(name))).toEqual([])
    },
  )

  it('of the ZooKeeper era names the node by its old key', async () => {
    const { settings } = await load({}, '--config', join(folder, '2.8-zookeeper.properties'))
    expect([settings.nodeId, settings.brokerId]).toEqual([0, 0])
  })
})

describe('variables', () => {
  it.each([
    { KAFKA_NUM_PARTITIONS: '3', KAFKA_CFG_NUM_PARTITIONS: '4' },
    { KAFKA_CFG_NUM_PARTITIONS: '4', KAFKA_NUM_PARTITIONS: '3' },
  ])("are Kafka's before Bitnami's, in whatever order: %j", async (environment) => {
    const { settings, where } = await load(environment)
    expect(settings.numPartitions).toBe(3)
    expect(where.get('num.partitions')).toBe('KAFKA_NUM_PARTITIONS')
  })
})
