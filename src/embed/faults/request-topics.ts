import { ZERO_UUID } from '../../base/uuid.ts'

/** Messages as trees of unknown shape: what they name is found by the names of their fields. */
export type Message = Readonly<Record<string, unknown>>

/** The name of the topic with an id; undefined when there is none. */
export type NameOf = (topicId: string) => string | undefined

/** Whether a topic, or a partition of it, is meant. `partition` undefined: the topic as a whole. */
export type Covers = (topic: string, partition: number | undefined) => boolean

export function isMessage(value: unknown): value is Message {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  )
}

/** Lists of topics: `topics`, `topicData`, `topicPartitions`, `responses`, ... */
const TOPIC_LIST = /topic|^responses$/i
const PARTITION_LIST = /partition/i
const PARTITION_FIELDS = ['partitionIndex', 'partition', 'index']

/** What a topic of a message is called; undefined when `value` is none. */
function topicOf(value: unknown, nameOf: NameOf): string | undefined {
  if (typeof value === 'string') return value
  if (!isMessage(value)) return undefined
  const { topicId } = value
  for (const field of ['name', 'topic', 'topicName']) {
    const name = value[field]
    if (typeof name === 'string' && name !== '') return name
  }
  return typeof topicId === 'string' && topicId !== ZERO_UUID ? nameOf(topicId) : undefined
}

function partitionOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (!isMessage(value)) return undefined
  for (const field of PARTITION_FIELDS) {
    const partition = value[field]
    if (typeof partition === 'number') return partition
  }
  return undefined
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

/** Calls `visit` for each topic and partition that `message` names, at any depth. */
export function visitTopics(
  message: Message,
  nameOf: NameOf,
  visit: (topic: string, partition: number | undefined) => void,
): void {
  for (const [field, value] of Object.entries(message)) {
    if (isMessage(value)) visitTopics(value, nameOf, visit)
    if (!isList(value)) continue
    for (const element of value) {
      const topic = TOPIC_LIST.test(field) ? topicOf(element, nameOf) : undefined
      if (topic !== undefined) visitPartitions(topic, element, visit)
      else if (isMessage(element)) visitTopics(element, nameOf, visit)
    }
  }
}

function visitPartitions(
  topic: string,
  node: unknown,
  visit: (topic: string, partition: number | undefined) => void,
): void {
  let count = 0
  for (const [field, value] of isMessage(node) ? Object.entries(node) : []) {
    if (!PARTITION_LIST.test(field) || !isList(value)) continue
    for (const element of value) {
      const partition = partitionOf(element)
      if (partition === undefined) continue
      visit(topic, partition)
      count++
    }
  }
  if (count === 0) visit(topic, undefined)
}

/**
 * The part of a message that `covers` is true of; null when that is nothing. Only lists of topics
 * at the top are divided: where they stand deeper, a message is taken or left as a whole.
 */
export function partOf(message: Message, nameOf: NameOf, covers: Covers): Message | null {
  const part: Record<string, unknown> = { ...message }
  let found = 0
  for (const [field, value] of Object.entries(message)) {
    if (!TOPIC_LIST.test(field) || !isList(value)) continue
    const kept = value.flatMap((element) => {
      const topic = topicOf(element, nameOf)
      return topic === undefined ? [] : topicPart(topic, element, covers)
    })
    part[field] = kept
    found += kept.length
  }
  return found > 0 ? part : null
}

function topicPart(topic: string, node: unknown, covers: Covers): unknown[] {
  if (!isMessage(node)) return covers(topic, undefined) ? [node] : []
  const part: Record<string, unknown> = { ...node }
  let partitionCount = 0
  let keptCount = 0
  for (const [field, value] of Object.entries(node)) {
    if (!PARTITION_LIST.test(field) || !isList(value)) continue
    const kept = value.filter((element) => covers(topic, partitionOf(element)))
    part[field] = kept
    partitionCount += value.length
    keptCount += kept.length
  }
  if (partitionCount === 0) return covers(topic, undefined) ? [node] : []
  return keptCount > 0 ? [part] : []
}

/** `base` with the topics and partitions of `other` in the place of its own, or added. */
export function overlay(base: Message, other: Message): Message {
  const merged: Record<string, unknown> = { ...base }
  for (const [field, value] of Object.entries(other)) {
    const own = base[field]
    if (TOPIC_LIST.test(field) && isList(value)) {
      merged[field] = isList(own) ? overlayList(own, value, keyOfTopic, overlayTopic) : value
    }
  }
  return merged
}

function overlayTopic(base: Message, other: Message): Message {
  const merged: Record<string, unknown> = { ...base, ...other }
  for (const [field, value] of Object.entries(other)) {
    const own = base[field]
    if (!PARTITION_LIST.test(field) || !isList(value) || !isList(own)) continue
    merged[field] = overlayList(own, value, partitionOf, (_, over) => over)
  }
  return merged
}

function overlayList(
  base: readonly unknown[],
  other: readonly unknown[],
  keyOf: (element: unknown) => unknown,
  merge: (base: Message, other: Message) => Message,
): unknown[] {
  const merged = [...base]
  for (const element of other) {
    const key = keyOf(element)
    const at = merged.findIndex((own) => keyOf(own) === key)
    const own = merged[at]
    if (at < 0) merged.push(element)
    else merged[at] = isMessage(own) && isMessage(element) ? merge(own, element) : element
  }
  return merged
}

function keyOfTopic(element: unknown): unknown {
  if (!isMessage(element)) return element
  const { name, topic, topicName, topicId } = element
  return name || topic || topicName || topicId
}
