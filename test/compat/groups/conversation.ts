import { type Uuid, ZERO_UUID } from '../../../src/base/uuid.ts'
import { FindCoordinator } from '../../../src/protocol/apis/10-find-coordinator.ts'
import { ListGroups } from '../../../src/protocol/apis/16-list-groups.ts'
import { CreateTopics } from '../../../src/protocol/apis/19-create-topics.ts'
import { DescribeTopicPartitions } from '../../../src/protocol/apis/75-describe-topic-partitions.ts'
import { errorName } from '../../../src/protocol/error-code.ts'
import type { Api, DecodedOf, EncodableOf } from '../../../src/protocol/schema.ts'
import { WireClient } from '../wire-client.ts'

type Facts = { readonly [name: string]: unknown }

/**
 * Questions about groups to one broker and its answers, written down so that two brokers can be
 * compared: names carry a tag that the text does not show, generated ids are numbered as they appear,
 * lists whose order says nothing are sorted.
 */
export class Conversation {
  readonly #bootstrap: string
  readonly #tag: string
  readonly #lines: string[] = []
  readonly #ids = new Map<string, string>()
  readonly #topicIds = new Map<Uuid, string>()
  /** A connection for each who speaks: one that waits for its answer cannot ask more. */
  readonly #clients = new Map<string, WireClient>()

  constructor(bootstrap: string, tag: string) {
    this.#bootstrap = bootstrap
    this.#tag = tag
  }

  get text(): string {
    return `${this.#lines.join('\n')}\n`
  }

  close(): void {
    for (const client of this.#clients.values()) client.close()
  }

  rule(text: string): void {
    this.#lines.push(...(this.#lines.length > 0 ? [''] : []), `# ${text}`)
  }

  /** The name that the broker knows. */
  name(text: string): string {
    return text === '' || text.startsWith('__') ? text : text + this.#tag
  }

  topicId(name: string): Uuid {
    for (const [topicId, known] of this.#topicIds) if (known === name) return topicId
    // Of no topic, in a form of its own.
    const topicId = name.padEnd(16, '?')
    this.#topicIds.set(topicId, `no topic ${name}`)
    return topicId
  }

  async client(who: string): Promise<WireClient> {
    let client = this.#clients.get(who)
    if (!client) {
      client = await WireClient.connect(this.#bootstrap)
      this.#clients.set(who, client)
    }
    return client
  }

  /** Asks and says nothing of it. */
  async quietly<A extends Api>(
    api: A,
    version: number,
    request: EncodableOf<A['request']>,
    who = 'app',
  ): Promise<DecodedOf<A['response']>> {
    const client = await this.client(who)
    return client.ask(api, version, request, who)
  }

  /** Asks, and writes the answer where the question stands, whenever it comes. */
  async ask<A extends Api>(
    api: A,
    version: number,
    request: EncodableOf<A['request']>,
    facts: Facts,
    who = 'app',
  ): Promise<DecodedOf<A['response']>> {
    const question = `${api.name} v${version} ${this.#json(facts)}`
    const at = this.#lines.push(`${question} -> no answer`) - 1
    const response = await this.quietly(api, version, request, who)
    this.#lines[at] = `${question} -> ${this.#json(response)}`
    return response
  }

  say(question: string, answer: unknown): void {
    this.#lines.push(`${question} -> ${this.#json(answer)}`)
  }

  #numbered(id: string): string {
    const known = this.#ids.get(id)
    if (known) return known
    const name = `id${this.#ids.size + 1}`
    this.#ids.set(id, name)
    return name
  }

  #json(value: unknown): string {
    if (Buffer.isBuffer(value)) return this.#bytes(value)
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#json(item))
      const isOfObjects = value.some((item) => typeof item === 'object')
      return `[${(isOfObjects ? items.sort() : items).join(', ')}]`
    }
    if (typeof value === 'string') return this.#text(value)
    if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
    const entries = Object.entries(value).flatMap(([name, of]) => this.#entry(name, of))
    return `{${entries.join(', ')}}`
  }

  #text(text: string): string {
    // Of classic members; of consumers that brought no id of their own.
    const generated = /\b(?:[\w.]+-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|^[\w-]{22}$/g
    if (/^\/?(?:127\.0\.0\.1|(?:0:){7}1|::1)$/.test(text)) return '"host"'
    const plain = text.replaceAll(this.#tag, '')
    return JSON.stringify(plain.replaceAll(generated, (id) => this.#numbered(id)))
  }

  #entry(name: string, value: unknown): string[] {
    if (name === 'throttleTimeMs') return []
    if (name === 'errorCode') return [errorName(value as number)]
    if (name !== 'topicId') return [`${name}: ${this.#json(value)}`]
    const known = this.#topicIds.get(value as Uuid) ?? 'unknown'
    return value === ZERO_UUID ? [] : [`topicId: of ${known}`]
  }

  #bytes(bytes: Buffer): string {
    const text = bytes.toString('latin1').replaceAll(this.#tag, '')
    return JSON.stringify(text.replaceAll(/[^ -~]/g, '.'))
  }

  /** Makes a topic, and waits until it is led. */
  async topic(name: string, numPartitions: number): Promise<Uuid> {
    const topic = { name: this.name(name), numPartitions, replicationFactor: 1 }
    const { topics } = await this.quietly(CreateTopics, 7, {
      topics: [{ ...topic, assignments: [], configs: [] }],
      timeoutMs: 10_000,
    })
    const { topicId } = topics[0]!
    this.#topicIds.set(topicId, name)
    for (;;) {
      const request = { topics: [{ name: topic.name }], responsePartitionLimit: 100, cursor: null }
      const { topics: found } = await this.quietly(DescribeTopicPartitions, 0, request)
      const { partitions } = found[0]!
      if (
        partitions.length === numPartitions &&
        partitions.every(({ leaderId }) => leaderId >= 0)
      ) {
        return topicId
      }
      await pause(20)
    }
  }

  /** Waits until groups have their coordinator, and it knows them. */
  async coordinator(): Promise<void> {
    const find = { key: this.name('any'), keyType: 0 }
    while ((await this.quietly(FindCoordinator, 3, find)).errorCode !== 0) await pause(50)
    while ((await this.quietly(ListGroups, 4, {})).errorCode !== 0) await pause(50)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
