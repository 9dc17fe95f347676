import { parseBrokerAddresses } from '../../client/broker-address.ts'
import { Cluster } from '../../client/cluster.ts'
import { listGroups } from '../../client/group-admin.ts'
import { bootstrapServers } from './command-context.ts'
import { COMPLETION_OPTION } from './command-names.ts'

/** A shell waits for this on every press of the tab key. */
const TIMEOUT_MS = 500

/** Which names stand where, by the words in front of them. */
const PLACES: readonly [pattern: RegExp, kind: 'topics' | 'groups'][] = [
  [/^(?:consume|tail)(?: |$)/, 'topics'],
  [/^produce$/, 'topics'],
  [/^topic (?:describe|info|alter|delete|rm)(?: |$)/, 'topics'],
  [/^config (?:get|set) topic$/, 'topics'],
  [/^group (?:describe|delete|rm)(?: |$)/, 'groups'],
  [/^group (?:reset|seek)$/, 'groups'],
  [/^config (?:get|set) group$/, 'groups'],
]

/**
 * Where a completion script asks for a word that names a topic or a group: those of the broker that
 * begin like it. Nothing anywhere else, or when no broker answers at once.
 */
export async function completeNames(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const asked = args.indexOf(COMPLETION_OPTION)
  if (asked < 0) return []
  // The name of the program stands first, the word that is being typed last.
  const typed = args.slice(asked + 2)
  const current = typed.pop() ?? ''
  const servers = serversIn(typed)
  const words = typed.filter((word) => !word.startsWith('-') && word !== servers).join(' ')
  const kind = PLACES.find(([pattern]) => pattern.test(words))?.[1]
  if (kind === undefined || current.startsWith('-')) return []
  const given = { 'bootstrap-server': servers, timeout: undefined, json: undefined }
  try {
    const names = await namesOf(kind, bootstrapServers(given, env))
    return names.filter((name) => name.startsWith(current))
  } catch {
    return []
  }
}

function serversIn(words: readonly string[]): string | undefined {
  const option = words.findIndex((word) => /^(?:-b|--bootstrap-server|--brokers)$/.test(word))
  if (option >= 0) return words[option + 1]
  return words.flatMap((word) => /^--(?:bootstrap-server|brokers)=(.*)$/.exec(word)?.[1] ?? [])[0]
}

async function namesOf(kind: 'topics' | 'groups', servers: string): Promise<string[]> {
  const cluster = new Cluster({
    bootstrap: parseBrokerAddresses(servers),
    connectTimeoutMs: TIMEOUT_MS,
    requestTimeoutMs: TIMEOUT_MS,
    retryTimeoutMs: TIMEOUT_MS,
  })
  try {
    if (kind === 'groups') return (await listGroups(cluster)).map(({ groupId }) => groupId)
    const topics = await cluster.allTopics()
    return topics.filter(({ isInternal }) => !isInternal).map(({ name }) => name)
  } finally {
    cluster.close()
  }
}
