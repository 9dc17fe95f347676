import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ApacheKafka } from '../apache-kafka.ts'
import { Dohle } from '../broker.ts'
import { type KafkaTool, kafkaTools, metadataShell } from '../kafka-tools.ts'
import { runWell, stopAllPrograms } from '../process.ts'
import { adminQuestions } from './admin-questions.ts'
import { parseCommandFile, type Step } from './command-file.ts'
import { errorQuestions } from './error-questions.ts'
import { askBoth } from './interview.ts'
import { normalised, type Place, withoutIds } from './normalise.ts'
import { ToolRunner } from './tool-runner.ts'

/** A broker with a JVM for the tools that talk to it. */
interface Side extends Place {
  readonly tools: ToolRunner
}

/** A file that gets what Apache Kafka printed, for whoever writes a command line. */
const transcript = process.env['DOHLE_PARITY_TRANSCRIPT']

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

const root = mkdtempSync(join(tmpdir(), 'dohle-parity-'))
const sides: Side[] = []
let kafka: ApacheKafka | undefined
let dohle: Dohle | undefined

beforeAll(async () => {
  const home = join(root, 'kafka')
  mkdirSync(home)
  await ApacheKafka.format(home)
  kafka = await ApacheKafka.start(home, properties)
  // The same file, as it is, but for the address and the place of the data.
  dohle = await Dohle.start(['--config', join(home, 'server.properties')])
  sides.push(side('kafka', kafka.bootstrap, join(home, 'data')))
  sides.push(side('dohle', dohle.bootstrap, dohle.directory))
})

afterAll(async () => {
  await Promise.all([...sides.map(({ tools }) => tools.stop()), kafka?.stop(), dohle?.stop()])
  await stopAllPrograms()
  rmSync(root, { recursive: true, force: true })
})

function side(name: string, bootstrap: string, data: string): Side {
  const work = join(root, `work-of-${name}`)
  mkdirSync(work)
  return { bootstrap, data, work, tools: new ToolRunner() }
}

const folder = resolve(import.meta.dirname, 'commands')
const files = readdirSync(folder).sort()

it.each(files)(
  '%s prints the same on Apache Kafka and on dohle',
  { timeout: 600_000 },
  async (file) => {
    const differences: string[] = []
    for (const step of parseCommandFile(join(folder, file))) {
      const startedAtMs = Date.now()
      const [expected, actual] = await outcomes(step)
      if (step.kind !== 'command') continue
      const difference = compared(expected, actual)
      if (transcript) {
        const text = [`$ ${step.words.join(' ')}`, ...expected, difference]
        appendFileSync(transcript, `${text.join('\n')}\n(${Date.now() - startedAtMs} ms)\n`)
      }
      if (difference)
        differences.push(`${file}:${step.line}: ${step.words.join(' ')}\n${difference}`)
    }
    expect(differences.join('\n\n')).toBe('')
  },
)

/** Words of command lines that only look. */
const LOOK =
  /^(?:--)?(?:describe|list|list-endpoints|describe-producers)$|^kafka-(?:get-offsets|log-dirs)$/
/** What Kafka's controller has decided its broker shows a little later: that long at most. */
const SETTLED_MS = 20_000

/** What a step prints on each side; those that only look look again while the sides differ. */
async function outcomes(step: Step): Promise<readonly [string[], string[]]> {
  const looks = step.kind === 'command' && step.words.some((word) => LOOK.test(word))
  for (const deadline = Date.now() + (looks ? SETTLED_MS : 0); ; ) {
    const [one = [], other = []] = await Promise.all(sides.map((side) => outcome(step, side)))
    if (one.join('\n') === other.join('\n') || Date.now() >= deadline) return [one, other]
  }
}

async function outcome(step: Step, side: Side): Promise<string[]> {
  if (step.kind === 'file') {
    writeFileSync(join(side.work, step.name), step.text)
    return []
  }
  const [tool = '', ...args] = step.words.map((word) =>
    word.replaceAll('localhost:9092', side.bootstrap).replaceAll('$WORK', side.work),
  )
  if (!kafkaTools.includes(tool as KafkaTool)) throw new Error(`no such tool: ${tool}`)
  const result = await side.tools.run(tool as KafkaTool, args, step.input)
  return normalised(result, step.rules, side)
}

/** Lines of one side only, `-` of Kafka and `+` of dohle; empty when the sides are equal. */
function compared(expected: readonly string[], actual: readonly string[]): string {
  if (expected.join('\n') === actual.join('\n')) return ''
  const missing = expected.filter((line) => !actual.includes(line)).map((line) => `  - ${line}`)
  const added = actual.filter((line) => !expected.includes(line)).map((line) => `  + ${line}`)
  const lines = [...missing, ...added]
  return lines.length > 0
    ? lines.join('\n')
    : `  another order:\n${expected.join('\n')}\n--\n${actual.join('\n')}`
}

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
