import { KafkaError } from '../../protocol/error-code.ts'
import { type ConsumerChange, hashOfTopics } from './consumer-change.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './consumer-member.ts'
import type { GroupContext } from './group-context.ts'
import { compileTopicRegex, topicRegexProblem } from './topic-regex.ts'

/** Regular expressions of a group are looked at again no sooner than this. */
const REFRESH_INTERVAL_MIN_MS = 10_000

export interface RegexStep {
  readonly isChanged: boolean
  /** The member changed to one that is resolved already, or to none: its topics are known now. */
  readonly isResolvedAnew: boolean
  /** They are to be resolved, in an input of its own (REGEX_TIMER). */
  readonly resolve: boolean
}

/** What a member's regular expression means for the group (groups.md section 7). */
export function followRegex(
  change: ConsumerChange,
  member: ConsumerMember,
  described: ConsumerMember,
  context: GroupContext,
  nowMs: number,
): RegexStep {
  const { group } = change
  const former = member.subscribedTopicRegex
  const regex = described.subscribedTopicRegex
  const isChanged = regex !== former
  let isResolvedAnew = false
  let isNew = false
  if (isChanged) {
    if (former !== '' && change.regexSubscribers(former) === 1) change.forgetRegex(former)
    isResolvedAnew = regex === ''
    if (regex !== '') {
      isNew = change.regexSubscribers(regex) === 0
      isResolvedAnew = !isNew && group.regexes.has(regex)
      const problem = isNew ? topicRegexProblem(regex) : undefined
      if (problem) throw new KafkaError('INVALID_REGULAR_EXPRESSION', problem)
    }
  }
  const concerns = regex !== '' || group.regexes.size > 0
  return {
    isChanged,
    isResolvedAnew,
    resolve: concerns && isDue(group, regexesOf(change, described), isNew, context, nowMs),
  }
}

/** The regular expressions that members will subscribe by. */
function regexesOf(change: ConsumerChange, described: ConsumerMember): Set<string> {
  const regexes = new Set([described.subscribedTopicRegex])
  for (const { memberId, subscribedTopicRegex } of change.members()) {
    if (memberId !== described.memberId) regexes.add(subscribedTopicRegex)
  }
  regexes.delete('')
  return regexes
}

function isDue(
  group: ConsumerGroup,
  regexes: ReadonlySet<string>,
  isNew: boolean,
  context: GroupContext,
  nowMs: number,
): boolean {
  if (regexes.size === 0 || group.resolvingRegexes) return false
  let refreshedAtMs = Number.NEGATIVE_INFINITY
  let version = -1
  for (const resolved of group.regexes.values()) {
    refreshedAtMs = Math.max(refreshedAtMs, resolved.timestampMs)
    version = Math.max(version, resolved.version)
  }
  if (nowMs <= refreshedAtMs + REFRESH_INTERVAL_MIN_MS) return false
  return (
    isNew ||
    regexes.size !== group.regexes.size ||
    version < context.topics.newTopicVersion ||
    nowMs > refreshedAtMs + context.settings.groupConsumerRegexRefreshIntervalMs
  )
}

/** Looks at all topics; another set of them is another group epoch. */
export function resolveRegexes(change: ConsumerChange, context: GroupContext, nowMs: number): void {
  const { group, groupId } = change
  const members = change.members()
  const resolved = new Map<string, readonly string[]>()
  let isChanged = false
  for (const { subscribedTopicRegex: regularExpression } of members) {
    if (regularExpression === '' || resolved.has(regularExpression)) continue
    const topics = [...context.topics.names()].filter(compileTopicRegex(regularExpression)).sort()
    resolved.set(regularExpression, topics)
    isChanged ||= !isSame(topics, group.regexes.get(regularExpression)?.topics)
    change.records.push({
      type: 'ConsumerGroupRegularExpression',
      key: { groupId, regularExpression },
      value: { topics, version: context.topics.version, timestamp: nowMs },
    })
  }
  if (!isChanged) return
  const topicsOf = (member: ConsumerMember) => [
    ...member.subscribedTopicNames,
    ...(resolved.get(member.subscribedTopicRegex) ?? []),
  ]
  change.raiseEpoch(hashOfTopics(members, topicsOf, context.topics))
}

function isSame(topics: readonly string[], former: ReadonlySet<string> | undefined): boolean {
  return topics.length === (former?.size ?? 0) && topics.every((name) => former?.has(name))
}
