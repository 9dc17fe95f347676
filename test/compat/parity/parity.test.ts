import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { metadataShell } from '../kafka-tools.ts'
import { runWell } from '../process.ts'
import { adminQuestions } from './admin-questions.ts'
import { brokerPairForThisFile } from './broker-pair.ts'
import { parseCommandFile, type Step } from './command-file.ts'
import { errorQuestions } from './error-questions.ts'
import { askBoth } from './interview.ts'
import { withoutIds } from './normalise.ts'
import { differencesIn, type Side, sideOf } from './side.ts'

/** What both are told, so that no default of dohle's own shows. */
const properties = {
  'num.partitions': '2',
  'share.coordinator.state.topic.num.partitions': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'group.streams.initial.rebalance.delay.ms': '0',
  'group.max.size': '2147483647',
  'group.consumer.max.size': '2147483647',
  'group.streams.max.size': '2147483647',
  'max.connections': '2147483647',
  'max.connections.per.ip': '2147483647',
  'queued.max.request.bytes': '-1',
}

const pair = brokerPairForThisFile(properties)
const sides: Side[] = []

beforeAll(() => {
  const { root, kafka, dohle } = pair
  sides.push(sideOf('kafka', kafka.bootstrap, kafka.data, root))
  sides.push(sideOf('dohle', dohle.bootstrap, dohle.data, root))
})

afterAll(async () => {
  await Promise.all(sides.map(({ tools }) => tools.stop()))
})

const folder = resolve(import.meta.dirname, 'commands')
const files = readdirSync(folder).sort()

it.each(files)(
  '%s prints the same on Apache Kafka and on dohle',
  { timeout: 600_000 },
  async (file) => {
    expect(await differencesIn(join(folder, file), sides)).toBe('')
  },
)

it('runs at least 120 command lines', () => {
  expect(commandsOf(files).length).toBeGreaterThanOrEqual(120)
})

it('answers admin requests of every version the same', { timeout: 600_000 }, async () => {
  const [first, second] = sides.map(({ bootstrap }) => bootstrap) as [string, string]
  const answers = await askBoth([...adminQuestions, ...errorQuestions], first, second)
  const different = answers.filter((one) => one.first !== one.second)
  const shown = different.map((one) => `${one.about}\n  - ${one.first}\n  + ${one.second}`)
  expect(shown.join('\n')).toBe('')
  // Two of them show all settings.
  const settings = answers.filter(({ about }) => about.includes('all of a broker'))
  for (const { first: text } of settings) expect(text).toContain('"name":"log.retention.ms"')
})

it('leaves the same behind in the metadata, as kafka-metadata-shell shows it', async () => {
  // The shell may show what it has while it still reads, so it is asked again while the sides differ.
  for (const deadline = Date.now() + 60_000; ; ) {
    const [expected = [], actual = []] = await Promise.all(sides.map(metadataOf))
    const isWhole = expected.some((line) => line.includes('PartitionRegistration('))
    if (Date.now() < deadline && !(isWhole && expected.join() === actual.join())) continue
    expect(actual).toEqual(expected)
    expect(isWhole).toBe(true)
    return
  }
})

async function metadataOf({ data, work }: Side): Promise<string[]> {
  // A copy: the shell wants no broker beside it.
  const name = '__cluster_metadata-0/00000000000000000000.log'
  const log = join(work, name)
  cpSync(join(data, name), log)
  return shownMetadata(await runWell(metadataShell(log, 'tree', 'image')))
}

/** Addresses, and what depends on how often a broker took new ids or was fenced. */
const OF_THE_START = new Set(['cluster:', 'producerIds:', 'provenance:'])

/** What the shell shows under each of the other names, in one order. */
function shownMetadata(lines: readonly string[]): string[] {
  let part = ''
  const shown = lines.flatMap((line) => {
    if (/^\w+:$/.test(line)) part = line
    if (OF_THE_START.has(part)) return []
    const plain = line.replace(/(?:leader|partition)Epoch=\d+/g, 'EPOCH')
    return [`${part} ${withoutIds(plain)}`]
  })
  return shown.sort()
}

it('differs only in what the documentation names', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../../docs/COMPATIBILITY.md'), 'utf8')
  const known = commandsOf(files).flatMap(({ rules }) =>
    rules.filter(({ name }) => name === 'known'),
  )
  const reasons = known.map(({ text }) => text.replace(/^\/.*\/ /, ''))
  expect(reasons.filter((reason) => !page.includes(reason))).toEqual([])
})

type Command = Extract<Step, { kind: 'command' }>

function commandsOf(names: readonly string[]): Command[] {
  const steps = names.flatMap((file) => parseCommandFile(join(folder, file)))
  return steps.filter((step): step is Command => step.kind === 'command')
}
