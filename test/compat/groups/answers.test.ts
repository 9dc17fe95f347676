import { describe, expect, it } from 'vitest'
import { brokerForThisFile } from '../broker.ts'
import { GroupQuestions } from './group-questions.ts'
import { answers, tables } from './tables/index.ts'

describe('the group APIs', () => {
  const broker = brokerForThisFile()

  it.each(tables)('answer as Apache Kafka does: %s', async (...table) => {
    const talk = new GroupQuestions(broker.bootstrap, `-${Date.now()}`)
    const text = await answers(talk, table)
    await expect(text).toMatchFileSnapshot(`../../golden/groups/${table[0]}.txt`)
  })
})
