import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { brokerForThisFile, uniqueName } from './broker.ts'
import { type Command, type KafkaTool, kafkaTool } from './kafka-tools.ts'
import { Program, run, runWell } from './process.ts'
import { OLD_KAFKA_VERSION, tools } from './tools.mjs'

const broker = brokerForThisFile()

/** Runs one of Kafka's scripts against the broker. */
function tool(name: KafkaTool, ...args: string[]) {
  return kafkaTool(name, ['--bootstrap-server', broker.bootstrap, ...args])
}

function started(name: KafkaTool, ...args: string[]): Program {
  const { command, args: all } = tool(name, ...args)
  return new Program(command, all)
}

async function newTopic(...args: string[]): Promise<string> {
  const topic = uniqueName('scripts')
  await runWell(tool('kafka-topics', '--create', '--topic', topic, ...args))
  return topic
}

async function produce(topic: string, lines: readonly string[]): Promise<void> {
  const input = lines.map((line) => `${line}\n`).join('')
  await runWell(tool('kafka-console-producer', '--topic', topic), input)
}

/** Words of a table's line. */
function words(line: string): string[] {
  return line.trim().split(/\s+/)
}

/** Runs a script until its output is as wanted, for what takes effect a little later. */
async function eventually(
  command: Command,
  wanted: (lines: string[]) => boolean,
): Promise<string[]> {
  for (let tries = 0; ; tries++) {
    const lines = await runWell(command)
    if (wanted(lines) || tries === 20) return lines
  }
}

describe("a newcomer's walk with Kafka's own scripts", () => {
  it('creates three topics, lists and describes them', async () => {
    const topics = [await newTopic(), await newTopic('--partitions', '3'), await newTopic()]
    const listed = await runWell(tool('kafka-topics', '--list'))
    expect(listed).toEqual(expect.arrayContaining(topics))
    const [, second = ''] = topics
    const [head, ...partitions] = await runWell(
      tool('kafka-topics', '--describe', '--topic', second),
    )
    expect(head?.replaceAll('\t', ' ').replace(/TopicId: \S+/, 'TopicId: ID')).toBe(
      `Topic: ${second} TopicId: ID PartitionCount: 3 ReplicationFactor: 1 Configs: min.insync.replicas=1`,
    )
    expect(partitions.map((line) => words(line).slice(0, 10).join(' '))).toEqual(
      [0, 1, 2].map((p) => `Topic: ${second} Partition: ${p} Leader: 1 Replicas: 1 Isr: 1`),
    )
  })

  it('shows every line to two live consoles, one of which came later', async () => {
    const topic = await newTopic()
    const groups = [uniqueName('g'), uniqueName('g')] as const
    const reader = (group: string) =>
      started('kafka-console-consumer', '--topic', topic, '--from-beginning', '--group', group)
    const producer = started('kafka-console-producer', '--topic', topic)
    const first = reader(groups[0])
    producer.type('one')
    await first.printed(({ lines }) => lines.length === 1)
    producer.type('two')
    await first.printed(({ lines }) => lines.length === 2)
    const second = reader(groups[1])
    await second.printed(({ lines }) => lines.length === 2)
    producer.type('three')
    await Promise.all([first, second].map((one) => one.printed(({ lines }) => lines.length === 3)))
    const listed = await runWell(tool('kafka-consumer-groups', '--list'))
    expect(listed).toEqual(expect.arrayContaining([...groups]))
    const described = await eventually(
      tool('kafka-consumer-groups', '--describe', '--all-groups'),
      (lines) => lagsOf(lines, topic).join() === '0,0',
    )
    expect(lagsOf(described, topic)).toEqual(['0', '0'])
    producer.endInput()
    expect(await producer.exited()).toBe(0)
    for (const one of [first, second]) {
      await one.stop()
      expect(one.lines).toEqual(['one', 'two', 'three'])
      expect(one.stderr).toContain('Processed a total of 3 messages')
    }
  })
})

function lagsOf(lines: readonly string[], topic: string): string[] {
  return lines.map(words).flatMap((line) => (line[1] === topic ? [line[5] ?? ''] : []))
}

describe('kafka-consumer-groups', () => {
  it('describes, resets and deletes a group', async () => {
    const topic = await newTopic()
    const group = uniqueName('group')
    await produce(topic, ['a', 'b', 'c', 'd'])
    const read = ['--topic', topic, '--group', group, '--from-beginning', '--max-messages', '3']
    expect(await runWell(tool('kafka-console-consumer', ...read))).toEqual(['a', 'b', 'c'])
    const about = ['--group', group]
    const described = await runWell(tool('kafka-consumer-groups', '--describe', ...about))
    const row = described.map(words).find(([name]) => name === group)
    expect(row?.slice(0, 6)).toEqual([group, topic, '0', '3', '4', '1'])
    const reset = ['--reset-offsets', '--to-offset', '1', '--topic', topic, '--execute', ...about]
    const moved = await runWell(tool('kafka-consumer-groups', ...reset))
    expect(
      moved
        .map(words)
        .find(([name]) => name === group)
        ?.slice(0, 4),
    ).toEqual([group, topic, '0', '1'])
    const again = ['--topic', topic, '--group', group, '--max-messages', '3']
    expect(await runWell(tool('kafka-console-consumer', ...again))).toEqual(['b', 'c', 'd'])
    const deleted = await runWell(tool('kafka-consumer-groups', '--delete', ...about))
    expect(deleted.join()).toContain(`('${group}') was successful`)
    expect(await runWell(tool('kafka-consumer-groups', '--list'))).not.toContain(group)
  })
})

describe('kafka-configs', () => {
  it('sets, shows and takes back settings of a topic', async () => {
    const topic = await newTopic()
    const about = ['--entity-type', 'topics', '--entity-name', topic]
    const describeTopic = tool('kafka-configs', '--describe', ...about)
    await runWell(tool('kafka-configs', '--alter', ...about, '--add-config', 'retention.ms=60000'))
    const set = await runWell(describeTopic)
    expect(set.join('\n')).toContain(
      'retention.ms=60000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG',
    )
    await runWell(tool('kafka-configs', '--alter', ...about, '--delete-config', 'retention.ms'))
    expect((await runWell(describeTopic)).join('\n')).not.toContain('retention.ms')
  })

  it('is told of a wrong value in the words of Kafka', async () => {
    const topic = await newTopic()
    const about = ['--entity-type', 'topics', '--entity-name', topic]
    const wrong = ['--alter', ...about, '--add-config', 'retention.ms=soon']
    const { exitCode, stdout, stderr } = await run(tool('kafka-configs', ...wrong))
    expect(exitCode).toBe(1)
    expect(stdout + stderr).toContain(
      'Invalid value soon for configuration retention.ms: Not a number of type LONG',
    )
  })
})

describe('kafka-get-offsets and kafka-delete-records', () => {
  it('show both ends, and move the beginning', async () => {
    const topic = await newTopic()
    await produce(topic, ['a', 'b', 'c', 'd'])
    const offsets = (time: string) =>
      runWell(tool('kafka-get-offsets', '--topic', topic, '--time', time))
    expect(await offsets('-1')).toEqual([`${topic}:0:4`])
    expect(await offsets('-2')).toEqual([`${topic}:0:0`])
    const plan = { partitions: [{ topic, partition: 0, offset: 3 }], version: 1 }
    const file = join(mkdtempSync(join(tmpdir(), 'dohle-compat-')), 'plan.json')
    writeFileSync(file, JSON.stringify(plan))
    const said = await runWell(tool('kafka-delete-records', '--offset-json-file', file))
    expect(said.join('\n')).toContain(`partition: ${topic}-0\tlow_watermark: 3`)
    expect(await offsets('-2')).toEqual([`${topic}:0:3`])
    const read = ['--topic', topic, '--from-beginning', '--max-messages', '1']
    expect(await runWell(tool('kafka-console-consumer', ...read))).toEqual(['d'])
  })
})

describe('performance and verification tools', () => {
  it('measure a producer and a consumer', async () => {
    const topic = await newTopic('--partitions', '2')
    const target = ['--topic', topic, '--throughput', '-1', '--record-size', '100']
    const props = ['--command-property', `bootstrap.servers=${broker.bootstrap}`]
    const produced = await runWell(
      kafkaTool('kafka-producer-perf-test', [...target, '--num-records', '20000', ...props]),
    )
    expect(produced.at(-1)).toMatch(/^20000 records sent, [\d.]+ records\/sec/)
    const consumed = await runWell(
      tool('kafka-consumer-perf-test', '--topic', topic, '--messages', '20000'),
    )
    expect(consumed.at(-1)?.split(', ').slice(2, 5)).toEqual([
      '1.9073',
      expect.any(String),
      '20000',
    ])
  })

  it('verify that each record sent is consumed', async () => {
    const topic = await newTopic()
    const sent = await runWell(
      tool('kafka-verifiable-producer', '--topic', topic, '--max-messages', '500', '--acks', '-1'),
    )
    const summary = sent.map((line) => JSON.parse(line)).find(({ name }) => name === 'tool_data')
    expect(summary).toMatchObject({ sent: 500, acked: 500 })
    const consumed = await runWell(
      tool(
        'kafka-verifiable-consumer',
        '--topic',
        topic,
        '--group-id',
        uniqueName('v'),
        '--max-messages',
        '500',
        '--reset-policy',
        'earliest',
        '--verbose',
      ),
    )
    const events = consumed.map((line) => JSON.parse(line))
    const values = events
      .filter(({ name }) => name === 'record_data')
      .map(({ value }) => Number(value))
    expect(values).toEqual(Array.from({ length: 500 }, (_, i) => i))
  })
})

describe('versions', () => {
  it('of every API are read by kafka-broker-api-versions', async () => {
    const [head, ...rows] = await runWell(tool('kafka-broker-api-versions'))
    expect(head).toMatch(/^\S+:\d+ \(id: 1 rack: null isFenced: false\) -> \($/)
    expect(rows.join('\n')).toMatch(/Produce\(0\): 0 to 13 \[usable: 13\]/)
    expect(rows.join('\n')).not.toMatch(/\bMetadata\(3\): UNSUPPORTED/)
  })

  it(`before 4.0 go on with their --broker-list (${OLD_KAFKA_VERSION})`, async () => {
    const topic = await newTopic()
    const old = (name: KafkaTool, ...args: string[]) => kafkaTool(name, args, OLD_KAFKA_VERSION)
    const producer = old(
      'kafka-console-producer',
      '--broker-list',
      broker.bootstrap,
      '--topic',
      topic,
    )
    await runWell(producer, 'hello\nkafka 3.3\n')
    const read = ['--topic', topic, '--from-beginning', '--max-messages', '2']
    const consumer = old('kafka-console-consumer', '--bootstrap-server', broker.bootstrap, ...read)
    expect(await runWell(consumer)).toEqual(['hello', 'kafka 3.3'])
  })
})

describe('kcat', () => {
  const kcat = (...args: string[]) => ({
    command: tools.kcat,
    args: ['-b', broker.bootstrap, ...args],
  })

  it('produces keys and reads them back, from an offset and from the end', async () => {
    const topic = await newTopic()
    await runWell(kcat('-P', '-t', topic, '-K:'), 'a:1\nb:2\nc:3\n')
    const read = (...args: string[]) =>
      runWell(kcat('-C', '-q', '-e', '-t', topic, '-f', '%k=%s@%o\\n', ...args))
    expect(await read('-o', 'beginning')).toEqual(['a=1@0', 'b=2@1', 'c=3@2'])
    expect(await read('-o', '1')).toEqual(['b=2@1', 'c=3@2'])
    expect(await read('-o', '-1')).toEqual(['c=3@2'])
  })

  it('lists the broker and the topic', async () => {
    const topic = await newTopic('--partitions', '2')
    const [json = ''] = await runWell(kcat('-L', '-J', '-t', topic))
    const { brokers, topics } = JSON.parse(json)
    expect(brokers.map(({ id }: { id: number }) => id)).toEqual([1])
    expect(topics[0]).toMatchObject({
      topic,
      partitions: [{ partition: 0, leader: 1 }, { partition: 1 }],
    })
  })

  it('shares a topic with a second member of its group', async () => {
    const topic = await newTopic('--partitions', '4')
    const group = uniqueName('kcat')
    const member = () => {
      const { command, args } = kcat(
        '-u',
        '-X',
        'auto.offset.reset=earliest',
        '-G',
        group,
        '-f',
        '%p %s\\n',
        topic,
      )
      return new Program(command, args)
    }
    const [one, other] = [member(), member()]
    const assigned = /assigned: (?:\S+ \[\d\](?:, )?){2}\n/
    await Promise.all(
      [one, other].map((program) => program.printed(({ stderr }) => assigned.test(stderr))),
    )
    for (let p = 0; p < 4; p++) await runWell(kcat('-P', '-t', topic, '-p', `${p}`), `m${p}\n`)
    await Promise.all(
      [one, other].map((program) => program.printed(({ lines }) => lines.length === 2)),
    )
    expect([...one.lines, ...other.lines].sort()).toEqual(['0 m0', '1 m1', '2 m2', '3 m3'])
  })
})
