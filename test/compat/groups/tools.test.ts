import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { expect, it } from 'vitest'
import { brokerForThisFile } from '../broker.ts'
import { javaProgram, toolClasses } from '../kafka-tools.ts'
import { Program } from '../process.ts'
import { GroupQuestions } from './group-questions.ts'

/** Long, so that members need not say that they are there. Apache Kafka was asked with these, too. */
const SESSION_MS = 600_000
const broker = brokerForThisFile([
  ...['--override', `group.consumer.max.session.timeout.ms=${SESSION_MS}`],
  ...['--override', `group.consumer.session.timeout.ms=${SESSION_MS}`],
])

/** Runs `kafka-consumer-groups` and `kafka-groups`, and writes down what they print. */
class Session {
  readonly #program: Program
  readonly #hidden: readonly (readonly [text: string, shown: string])[]
  readonly #bootstrap: string
  text = ''

  constructor(bootstrap: string, hidden: readonly (readonly [string, string])[]) {
    const { command, args } = javaProgram('ToolSession', [])
    this.#program = new Program(command, args)
    this.#bootstrap = bootstrap
    this.#hidden = hidden
  }

  async run(tool: 'kafka-consumer-groups' | 'kafka-groups', ...args: string[]): Promise<void> {
    const before = this.#program.lines.length
    const answer = () => this.#program.lines.slice(before)
    const isDone = () => answer().some((line) => line.startsWith('= '))
    const words = [toolClasses[tool], '--bootstrap-server', this.#bootstrap, ...args]
    this.#program.type(words.join('\t'))
    await this.#program.printed(isDone, 120_000)
    const printed = answer().map((line) => this.#normal(line))
    const of = (prefix: string) => printed.filter((line) => line.startsWith(prefix))
    // Frames of a trace, and what is logged.
    const isNoise = (line: string) => /^! (?:at |\.\.\. |\[[-\d]+ [:,\d]+\] [A-Z]+ )/.test(line)
    const lines = [...of('> ').sort(), ...of('! ').filter((line) => !isNoise(line)), ...of('= ')]
    this.text += [`$ ${this.#normal([tool, ...args].join(' '))}`, ...lines, '', ''].join('\n')
  }

  #normal(line: string): string {
    let text = line
    for (const [hidden, shown] of this.#hidden) text = text.replaceAll(hidden, shown)
    return text
      .replaceAll(/\b(\w+)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '$1-ID')
      .replaceAll(/\/(?:127\.0\.0\.1|(?:0:){7}1)\b/g, '/HOST')
      .replaceAll(/\b(?:localhost|127\.0\.0\.1):\d+/g, 'BROKER')
      .replaceAll(/\s+/g, ' ')
      .trimEnd()
  }

  async end(): Promise<void> {
    this.#program.endInput()
    await this.#program.exited()
  }
}

/** Two topics, a classic group and a consumer group of one member each, and their commits. */
async function prepare(bootstrap: string, tag: string): Promise<GroupQuestions> {
  const talk = new GroupQuestions(bootstrap, tag)
  await talk.coordinator()
  await talk.topic('jobs', 2)
  await talk.topic('tasks', 1)
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const messages = [0, 0, 0, 0, 1, 1].map((partition) => ({ partition, value: 'v' }))
  await producer.send({ topic: talk.name('jobs'), messages })
  await producer.disconnect()
  const protocols = [{ name: 'range', metadata: talk.subscription('jobs') }]
  const facts = { sessionTimeoutMs: SESSION_MS, protocols }
  const { memberId } = await talk.stable('workers', facts, 'app', talk.assignment('jobs', [0, 1]))
  const offsets = { topic: 'jobs', partitions: [0, 1], offset: 1 }
  await talk.commit('workers', { ...offsets, memberId, generationIdOrMemberEpoch: 1 })
  await talk.enter('modern', 'm', { topics: ['jobs'], rackId: 'r' })
  await talk.commit('modern', { ...offsets, memberId: 'm', generationIdOrMemberEpoch: 2 })
  return talk
}

const groups = ['workers', 'modern'] as const

it('the group tools print what they print of Apache Kafka', async () => {
  const tag = `-${Date.now()}`
  const talk = await prepare(broker.bootstrap, tag)
  const work = mkdtempSync(join(tmpdir(), 'dohle-groups-tools-'))
  const hidden = [
    [tag, ''],
    [work, 'WORK'],
  ] as const
  const session = new Session(broker.bootstrap, hidden)
  await withMembers(session, tag)
  for (const group of groups) await emptied(talk, group)
  await withoutMembers(session, tag)
  await resets(session, tag, work)
  await deletions(session, tag)
  await session.end()
  talk.close()
  rmSync(work, { recursive: true })
  await expect(session.text).toMatchFileSnapshot('../../golden/groups/tools.txt')
}, 300_000)

/** All members leave. */
async function emptied(talk: GroupQuestions, group: (typeof groups)[number]): Promise<void> {
  if (group === 'modern') await talk.beat(group, { memberEpoch: -1 })
  else await talk.leave(group, [{ memberId: (await talk.memberIds(group))[0]! }])
}

async function withMembers(session: Session, tag: string): Promise<void> {
  for (const group of groups) {
    const describe = ['kafka-consumer-groups', '--describe', '--group', group + tag] as const
    for (const what of ['--offsets', '--members', '--state']) {
      await session.run(...describe, what)
      await session.run(...describe, what, '--verbose')
    }
    const one = ['kafka-consumer-groups', '--group', group + tag, '--topic', `jobs${tag}`] as const
    await session.run(...one, '--reset-offsets', '--to-earliest', '--execute')
    await session.run(...one, '--delete-offsets')
    await session.run('kafka-consumer-groups', '--group', group + tag, '--delete')
  }
  const all = ['kafka-consumer-groups', '--describe', '--all-groups'] as const
  for (const what of ['--offsets', '--members', '--state']) await session.run(...all, what)
  const list = ['kafka-consumer-groups', '--list'] as const
  await session.run(...list)
  await session.run(...list, '--state')
  await session.run(...list, '--state', 'stable')
  await session.run(...list, '--state', 'Empty')
  await session.run(...list, '--type')
  await session.run(...list, '--type', 'classic')
  await session.run(...list, '--type', 'consumer', '--state')
  await session.run(...list, '--type', 'nonsense')
  await session.run('kafka-groups', '--list')
  await session.run('kafka-groups', '--list', '--consumer')
  await session.run('kafka-groups', '--list', '--share')
  await session.run('kafka-groups', '--list', '--streams')
  await session.run('kafka-groups', '--list', '--group-type', 'classic')
  await session.run('kafka-groups', '--list', '--group-type', 'consumer')
  await session.run('kafka-groups', '--list', '--group-type', 'nonsense')
  await session.run('kafka-groups', '--list', '--protocol', 'consumer')
  await session.run('kafka-groups', '--list', '--protocol', 'nonsense')
}

async function withoutMembers(session: Session, tag: string): Promise<void> {
  for (const group of [...groups, 'gone']) {
    const describe = ['kafka-consumer-groups', '--describe', '--group', group + tag] as const
    for (const what of ['--offsets', '--members', '--state']) await session.run(...describe, what)
  }
  await session.run('kafka-consumer-groups', '--validate-regex', 'a.*')
  await session.run('kafka-consumer-groups', '--validate-regex', '(')
}

async function resets(session: Session, tag: string, work: string): Promise<void> {
  const reset = (group: string, ...args: string[]) =>
    session.run('kafka-consumer-groups', '--reset-offsets', '--group', group + tag, ...args)
  const jobs = ['--topic', `jobs${tag}`]
  await reset('workers', ...jobs, '--to-latest', '--dry-run')
  await reset('workers', ...jobs, '--to-latest')
  await reset('workers', ...jobs, '--to-earliest', '--execute')
  await reset('workers', ...jobs, '--to-current', '--execute')
  await reset('workers', '--topic', `jobs${tag}:1`, '--to-offset', '1', '--execute')
  await reset('workers', '--topic', `jobs${tag}:0`, '--to-offset', '99', '--execute')
  await reset('workers', '--all-topics', '--shift-by', '1', '--execute')
  await reset('workers', '--all-topics', '--shift-by', '-100', '--execute')
  await reset('workers', '--all-topics', '--shift-by', '100', '--execute')
  await reset('workers', ...jobs, '--by-duration', 'PT1H', '--execute')
  await reset('workers', ...jobs, '--to-datetime', '2099-01-01T00:00:00.000', '--execute')
  await reset('workers', ...jobs, '--to-datetime', '2009-01-01T00:00:00.000', '--dry-run')
  await reset('workers', ...jobs, '--to-earliest', '--export', '--dry-run')
  const file = join(work, 'reset.csv')
  writeFileSync(file, `jobs${tag},0,1\njobs${tag},1,2\n`)
  await reset('workers', '--from-file', file, '--execute')
  await reset('modern', ...jobs, '--to-earliest', '--execute')
  await reset('simple', ...jobs, '--to-latest', '--execute')
  await reset('simple', '--topic', `gone${tag}`, '--to-latest', '--execute')
  await reset('simple', '--topic', `jobs${tag}:7`, '--to-latest', '--execute')
  const all = ['--all-groups', '--all-topics', '--to-current', '--dry-run']
  await session.run('kafka-consumer-groups', '--reset-offsets', ...all)
}

async function deletions(session: Session, tag: string): Promise<void> {
  const offsets = (group: string, topic: string) =>
    session.run(
      ...(['kafka-consumer-groups', '--delete-offsets'] as const),
      ...['--group', group + tag, '--topic', topic],
    )
  await offsets('workers', `jobs${tag}:0`)
  await offsets('workers', `gone${tag}`)
  await offsets('gone', `jobs${tag}`)
  await offsets('modern', `jobs${tag}`)
  await session.run('kafka-consumer-groups', '--describe', '--group', `modern${tag}`)
  for (const group of ['gone', 'workers', 'modern', 'simple']) {
    await session.run('kafka-consumer-groups', '--delete', '--group', group + tag)
  }
  await session.run('kafka-consumer-groups', '--list')
}
