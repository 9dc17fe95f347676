import type { GroupQuestions } from '../group-questions.ts'
import { administration } from './administration.ts'
import { consumerGroups } from './consumer-groups.ts'
import { joinGroup } from './join-group.ts'
import { offsets } from './offsets.ts'
import { syncHeartbeatLeave } from './sync-heartbeat-leave.ts'

type Table = readonly [name: string, ask: (talk: GroupQuestions) => Promise<void>]

/** The tables of the reference groups.md, by the names of their files in test/golden/groups. */
export const tables: readonly Table[] = [
  ['join-group', joinGroup],
  ['sync-heartbeat-leave', syncHeartbeatLeave],
  ['offsets', offsets],
  ['administration', administration],
  ['consumer-groups', consumerGroups],
]

/** All questions of a table and the answers of the broker. */
export async function answers(talk: GroupQuestions, [, ask]: Table): Promise<string> {
  try {
    await talk.coordinator()
    await talk.topic('t', 2)
    await talk.topic('u', 1)
    await ask(talk)
    return talk.text
  } finally {
    talk.close()
  }
}
