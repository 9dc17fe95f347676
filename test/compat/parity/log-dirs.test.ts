import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ApacheKafka } from '../apache-kafka.ts'
import { Dohle } from '../broker.ts'
import { stopAllPrograms } from '../process.ts'
import { differencesIn, type Side, sideOf } from './side.ts'

const root = mkdtempSync(join(tmpdir(), 'dohle-log-dirs-'))
const home = join(root, 'kafka')
/** Of each side, with folders `a` and `b`. */
const data = { kafka: join(home, 'data'), dohle: join(root, 'dohle') }
let kafka: ApacheKafka | undefined
let dohle: Dohle | undefined
let sides: Side[] = []

const logDirs = (parent: string, folders: readonly string[]) =>
  folders.map((folder) => join(parent, folder)).join(',')

/** Both brokers, over those of their folders. */
async function start(...folders: string[]): Promise<void> {
  kafka = await ApacheKafka.start(home, { 'log.dirs': logDirs(data.kafka, folders) })
  const config = ['--config', join(home, 'server.properties')]
  dohle = await Dohle.start(config, logDirs(data.dohle, folders))
  const [first, second] = sides
  if (first && second) {
    sides = [
      { ...first, bootstrap: kafka.bootstrap },
      { ...second, bootstrap: dohle.bootstrap },
    ]
  } else {
    sides = [
      sideOf('kafka', kafka.bootstrap, data.kafka, root),
      sideOf('dohle', dohle.bootstrap, data.dohle, root),
    ]
  }
}

async function restart(...folders: string[]): Promise<void> {
  await Promise.all([kafka?.stop(), dohle?.stop()])
  await start(...folders)
}

beforeAll(async () => {
  mkdirSync(data.dohle)
  mkdirSync(data.kafka, { recursive: true })
  await ApacheKafka.format(home, { 'log.dirs': logDirs(data.kafka, ['a', 'b']) })
  await start('a', 'b')
})

afterAll(async () => {
  await Promise.all([...sides.map(({ tools }) => tools.stop()), kafka?.stop(), dohle?.stop()])
  await stopAllPrograms()
  rmSync(root, { recursive: true, force: true })
})

const linesOf = (name: string) => resolve(import.meta.dirname, 'log-dirs', `${name}.txt`)

it('two folders hold partitions, and exchange them, as on Apache Kafka', async () => {
  expect(await differencesIn(linesOf('1-two-folders'), sides)).toBe('')
}, 600_000)

it('what is in a folder that is left out is unavailable, as on Apache Kafka', async () => {
  await restart('a')
  expect(await differencesIn(linesOf('2-one-left-out'), sides)).toBe('')
}, 600_000)

it('what was left out is there again with its folder', async () => {
  // Kafka has made empty copies in the other folder by now, and does not start with both.
  await dohle?.stop()
  dohle = await Dohle.start([], logDirs(data.dohle, ['a', 'b']))
  const server = ['--bootstrap-server', dohle.bootstrap]
  const all = ['--topic', 'moved', '--from-beginning', '--max-messages', '8']
  const read = await sides[1]!.tools.run('kafka-console-consumer', [...server, ...all], '')
  expect(read.stdout.trim().split('\n').sort()).toEqual(['1', '2', '3', '4', '5', '6', '7', '8'])
}, 600_000)
