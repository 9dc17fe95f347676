import { readFileSync } from 'node:fs'
import { ZERO_UUID } from '../../../src/base/uuid.ts'
import { handlers } from '../../../src/broker/handlers/index.ts'
import type { Api } from '../../../src/protocol/schema.ts'
import { WireClient } from '../wire-client.ts'
import type { Question } from './question.ts'

/** What two brokers answer to a question, in one version. */
export interface Answers {
  readonly about: string
  readonly first: string
  readonly second: string
}

/** Asks both brokers every question in every version that both answer. */
export async function askBoth(
  questions: readonly Question[],
  first: string,
  second: string,
): Promise<Answers[]> {
  const clients = [new Asker(first), new Asker(second)] as const
  const answers: Answers[] = []
  const highest = Math.max(...questions.map(({ api }) => api.versions[1]))
  for (let version = 0; version <= highest; version++) {
    for (const { about, api, request } of questions) {
      if (!isServed(api, version)) continue
      const named = withVersion(request, version)
      const [one, other] = await askTogether(clients, api, version, named)
      answers.push({ about: `v${version} ${about}`, first: one, second: other })
    }
  }
  for (const client of clients) client.close()
  return answers
}

/** What Kafka's controller has decided its broker shows a little later. */
async function askTogether(
  clients: readonly [Asker, Asker],
  api: Api,
  version: number,
  request: unknown,
): Promise<readonly [string, string]> {
  const isRead = /^(Describe|List)/.test(api.name)
  for (const deadline = Date.now() + (isRead ? LIMIT_MS : 0); ; ) {
    const [one = '', other = ''] = await Promise.all(
      clients.map((each) => each.ask(api, version, request)),
    )
    if (one === other || Date.now() >= deadline) return [one, other]
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Below Kafka's lowest version we answer clients that it does not know any more. */
function isServed(api: Api, version: number): boolean {
  const isOurs = handlers.some((one) => one.api.key === api.key && version <= one.maxVersion)
  return isOurs && version >= (lowestOfKafka.get(api.key) ?? 0)
}

const golden = new URL('../../golden/basics/api-versions.json', import.meta.url)
const kafkaApis: readonly { key: number; advertisedByBroker?: readonly [number, number] | null }[] =
  JSON.parse(readFileSync(golden, 'utf8'))
const lowestOfKafka = new Map(
  kafkaApis.map(({ key, advertisedByBroker }) => [key, advertisedByBroker?.[0] ?? 0]),
)

/** `$` in names stands for the version, so that what one version made is not there in the next. */
function withVersion(value: unknown, version: number): unknown {
  if (typeof value === 'string') return value.replace('$', `v${version}`)
  if (Array.isArray(value)) return value.map((one) => withVersion(one, version))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, withVersion(one, version)]),
  )
}

const LIMIT_MS = 20_000

class Asker {
  readonly #bootstrap: string
  #client: WireClient | undefined

  constructor(bootstrap: string) {
    this.#bootstrap = bootstrap
  }

  async ask(api: Api, version: number, request: unknown): Promise<string> {
    this.#client ??= await WireClient.connect(this.#bootstrap)
    const asked = this.#client.ask(api, version, request as never)
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, LIMIT_MS, 'no answer')
    })
    const answer = asked.then(text, (error) => `closed: ${error.message}`)
    const first = await Promise.race([answer, limit])
    clearTimeout(timer)
    if (first === 'no answer' || first.startsWith('closed')) this.close()
    return first
  }

  close(): void {
    this.#client?.close()
    this.#client = undefined
  }
}

/** What differs between two brokers by nature. */
const OF_THE_BROKER = new Set([
  'clusterId',
  'directoryId',
  'host',
  'logDir',
  'port',
  'topicId',
  'totalBytes',
  'usableBytes',
  'documentation',
])

/** Configs that name addresses and directories. */
const PLACES = new Set([
  'advertised.listeners',
  'controller.quorum.bootstrap.servers',
  'listeners',
  'log.dirs',
])

/** Ids within messages. */
const IDS = /cluster id ".{22}"|directoryId=[\w-]{22}/g
/** A name that a tool has made up. */
const RANDOM_NAME = /^[\w-]{22}$/

/** JSON with lists in one order, since Kafka's is that of its hash maps. */
function text(value: unknown): string {
  return JSON.stringify(sorted(value))
}

function sorted(value: unknown): unknown {
  if (typeof value === 'string') {
    return RANDOM_NAME.test(value) ? 'some name' : value.replace(IDS, 'id')
  }
  if (Array.isArray(value)) {
    const items = value.map((one) => JSON.stringify(sorted(one))).sort()
    return items.map((one) => JSON.parse(one))
  }
  if (typeof value !== 'object' || value === null) return value
  const isPlace = 'name' in value && PLACES.has(String(value.name))
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      (isPlace && name === 'value' && one !== null) ||
      (OF_THE_BROKER.has(name) && one !== null && one !== ZERO_UUID && one !== -1)
        ? `some ${name}`
        : sorted(one),
    ]),
  )
}
