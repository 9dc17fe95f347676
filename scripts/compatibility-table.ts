// npm run docs: writes the table of docs/COMPATIBILITY.md from the list of handlers.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { handlers } from '../src/broker/handlers/index.ts'

const page = fileURLToPath(new URL('../docs/COMPATIBILITY.md', import.meta.url))
const BEGIN = '<!-- The table is written by `npm run docs`. -->'
const END = '<!-- End of the table. -->'

interface KafkaApi {
  readonly key: number
  readonly name: string
  /** What a broker of Kafka 4.3 tells clients; absent when it tells nothing. */
  readonly advertisedByBroker?: readonly [min: number, max: number] | null
}

/** What Apache Kafka 4.3.1 answered when it was asked. */
function kafkaApis(): KafkaApi[] {
  const file = new URL('../test/golden/basics/api-versions.json', import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8'))
}

/** One row for each API of a Kafka broker, in the order of their keys. */
export function compatibilityTable(): string {
  const served = new Map(handlers.map((one) => [one.api.key as number, one]))
  const rows = kafkaApis()
    .filter(({ key, advertisedByBroker }) => advertisedByBroker || served.has(key))
    .map(({ key, name, advertisedByBroker }) => {
      const handler = served.get(key)
      const ours = handler ? range(handler.minVersion, handler.maxVersion) : 'not built yet'
      return `| ${key} | ${name} | ${ours} | ${advertisedByBroker ? range(...advertisedByBroker) : '-'} |`
    })
  return ['| Key | API | dohle | Kafka 4.3 |', '|---|---|---|---|', ...rows].join('\n')
}

function range(min: number, max: number): string {
  return min === max ? `${min}` : `${min} to ${max}`
}

/** The page with the table as it should be now. */
export function freshPage(): { text: string; isFresh: boolean } {
  const text = readFileSync(page, 'utf8')
  const [before = '', rest = ''] = text.split(BEGIN)
  const after = rest.split(END)[1]
  if (after === undefined) throw new Error(`${page} has lost the marks around its table`)
  const fresh = `${before}${BEGIN}\n\n${compatibilityTable()}\n\n${END}${after}`
  return { text: fresh, isFresh: fresh === text }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(page, freshPage().text)
