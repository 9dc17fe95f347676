import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

/** The errors that each table of groups.md names, by the request that is answered. */
const tables = {
  'section 3, JoinGroup': {
    JoinGroup: [
      'INVALID_GROUP_ID',
      'INVALID_SESSION_TIMEOUT',
      'INCONSISTENT_GROUP_PROTOCOL',
      'UNKNOWN_MEMBER_ID',
      'GROUP_MAX_SIZE_REACHED',
      'MEMBER_ID_REQUIRED',
      'FENCED_INSTANCE_ID',
    ],
  },
  'section 3, SyncGroup': {
    SyncGroup: [
      'INVALID_GROUP_ID',
      'INCONSISTENT_GROUP_PROTOCOL',
      'UNKNOWN_MEMBER_ID',
      'FENCED_INSTANCE_ID',
      'ILLEGAL_GENERATION',
      'REBALANCE_IN_PROGRESS',
    ],
  },
  'section 3, Heartbeat': {
    Heartbeat: [
      'INVALID_GROUP_ID',
      'UNKNOWN_MEMBER_ID',
      'FENCED_INSTANCE_ID',
      'ILLEGAL_GENERATION',
      'REBALANCE_IN_PROGRESS',
    ],
  },
  'section 3, LeaveGroup': {
    LeaveGroup: ['INVALID_GROUP_ID', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID'],
  },
  'section 4, OffsetCommit': {
    OffsetCommit: [
      'UNKNOWN_TOPIC_ID',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'GROUP_ID_NOT_FOUND',
      'ILLEGAL_GENERATION',
      'UNKNOWN_MEMBER_ID',
      'FENCED_INSTANCE_ID',
      'REBALANCE_IN_PROGRESS',
      'OFFSET_METADATA_TOO_LARGE',
    ],
  },
  'section 4, OffsetFetch': { OffsetFetch: ['UNSTABLE_OFFSET_COMMIT', 'UNKNOWN_TOPIC_ID'] },
  'section 4, transactional offsets': { TxnOffsetCommit: ['ILLEGAL_GENERATION'] },
  'section 4, OffsetDelete and DeleteGroups': {
    OffsetDelete: [
      'INVALID_GROUP_ID',
      'GROUP_ID_NOT_FOUND',
      'NON_EMPTY_GROUP',
      'GROUP_SUBSCRIBED_TO_TOPIC',
    ],
    DeleteGroups: ['GROUP_ID_NOT_FOUND', 'NON_EMPTY_GROUP'],
  },
  'section 5, describe': { DescribeGroups: ['GROUP_ID_NOT_FOUND'] },
  'section 7, ConsumerGroupHeartbeat': {
    ConsumerGroupHeartbeat: [
      'INVALID_REQUEST',
      'UNSUPPORTED_ASSIGNOR',
      'GROUP_ID_NOT_FOUND',
      'GROUP_MAX_SIZE_REACHED',
      'UNKNOWN_MEMBER_ID',
      'UNRELEASED_INSTANCE_ID',
      'FENCED_INSTANCE_ID',
      'FENCED_MEMBER_EPOCH',
      'INVALID_REGULAR_EXPRESSION',
    ],
  },
  'section 7, offsets in consumer groups': {
    OffsetCommit: [
      'UNKNOWN_MEMBER_ID',
      'UNSUPPORTED_VERSION',
      'STALE_MEMBER_EPOCH',
      'ILLEGAL_GENERATION',
    ],
    OffsetFetch: ['UNKNOWN_MEMBER_ID', 'STALE_MEMBER_EPOCH'],
  },
  'section 7, ConsumerGroupDescribe': {
    ConsumerGroupDescribe: ['GROUP_ID_NOT_FOUND', 'INVALID_GROUP_ID'],
  },
  'section 9, migration': {
    JoinGroup: ['INCONSISTENT_GROUP_PROTOCOL'],
    Heartbeat: ['REBALANCE_IN_PROGRESS'],
    ConsumerGroupHeartbeat: ['GROUP_ID_NOT_FOUND'],
  },
} satisfies Record<string, Record<string, string[]>>

/** Commands of scenarios, by what they ask. */
const verbs = new Map([
  ['join', 'JoinGroup'],
  ['sync', 'SyncGroup'],
  ['commit', 'OffsetCommit'],
  ['txn-commit', 'TxnOffsetCommit'],
  ['fetch', 'OffsetFetch'],
  ['hb', 'ConsumerGroupHeartbeat'],
  ['cjoin', 'ConsumerGroupHeartbeat'],
])

/** Every "API ERROR" that an answer shows, in what Apache Kafka answered and in scenarios. */
function shown(): Set<string> {
  const all = new Set<string>()
  const note = (api: string, answer: string) => {
    for (const [name] of answer.matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)) all.add(`${api} ${name}`)
  }
  for (const line of linesIn('../../golden/groups')) {
    const [, api, answer] = /^(\w+) v\d+ .* -> (.*)$/.exec(line) ?? []
    if (api && answer) note(api, answer)
  }
  let api = ''
  for (const line of linesIn('scenarios')) {
    if (!line.startsWith(' ')) api = verbs.get(line.split(' ')[0]!) ?? ''
    else note(api, line)
  }
  return all
}

function linesIn(directory: string): string[] {
  const path = join(import.meta.dirname, directory)
  return readdirSync(path).flatMap((file) => readFileSync(join(path, file), 'utf8').split('\n'))
}

describe('every error of the tables of groups.md is answered in a test', () => {
  const answered = shown()

  test.each(Object.entries(tables))('%s', (_table, requests) => {
    const named = Object.entries(requests).flatMap(([api, codes]) =>
      codes.map((code) => `${api} ${code}`),
    )
    expect(named.filter((one) => !answered.has(one))).toEqual([])
  })
})
