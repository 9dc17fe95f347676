import { formatUuid, parseUuid, type Uuid } from '../../base/uuid.ts'

/** Who owns a data directory (reference: log-storage.md section 1). */
export interface MetaProperties {
  /** 1 with KRaft; 0 is ZooKeeper's, whose broker id is read as `nodeId`. */
  readonly version: number
  readonly clusterId: string
  readonly nodeId: number
  readonly directoryId: Uuid | undefined
}

/** Undefined when a needed key is missing or malformed. */
export function parseMetaProperties(text: string): MetaProperties | undefined {
  const properties = parseProperties(text)
  const version = Number(properties.get('version') ?? 'missing')
  const nodeId = Number(properties.get(version === 0 ? 'broker.id' : 'node.id') ?? 'missing')
  const clusterId = properties.get('cluster.id')
  const directory = properties.get('directory.id')
  const directoryId = directory === undefined ? undefined : parseUuid(directory)
  if (!Number.isInteger(version) || !Number.isInteger(nodeId) || nodeId < 0) return undefined
  if (!clusterId || (directory !== undefined && directoryId === undefined)) return undefined
  return { version, clusterId, nodeId, directoryId }
}

export function formatMetaProperties(
  properties: Omit<MetaProperties, 'version'>,
  nowMs: number,
): string {
  const lines = [
    `#${new Date(nowMs).toUTCString()}`,
    `cluster.id=${properties.clusterId}`,
    ...(properties.directoryId === undefined
      ? []
      : [`directory.id=${formatUuid(properties.directoryId)}`]),
    `node.id=${properties.nodeId}`,
    'version=1',
  ]
  return `${lines.join('\n')}\n`
}

/** As much of Java's format as Kafka writes: comments, `key=value`, backslash escapes. */
function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trimStart()
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith('!')) continue
    const [, key, value = ''] = /^((?:\\.|[^\\=:\s])+)\s*[=:]?\s*(.*)$/.exec(trimmed) ?? []
    if (key !== undefined) properties.set(withoutEscapes(key), withoutEscapes(value.trimEnd()))
  }
  return properties
}

function withoutEscapes(text: string): string {
  return text.replaceAll(/\\(.)/g, '$1')
}

/** The topic a partition directory belongs to; undefined when the text is not Kafka's. */
export function parsePartitionMetadata(text: string): Uuid | undefined {
  const [version, topicId, ...rest] = text.split('\n')
  if (version?.trim() !== 'version: 0' || rest.some((line) => line.trim() !== '')) return undefined
  const [, id] = /^topic_id:\s*(\S+)$/.exec(topicId?.trim() ?? '') ?? []
  return id === undefined ? undefined : parseUuid(id)
}

export function formatPartitionMetadata(topicId: Uuid): string {
  return `version: 0\ntopic_id: ${formatUuid(topicId)}`
}

export function formatCleanShutdown(brokerEpoch: number): string {
  return JSON.stringify({ version: 0, brokerEpoch })
}
