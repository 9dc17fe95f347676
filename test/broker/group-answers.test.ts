import { expect, it } from 'vitest'
import { startBroker } from '../../src/index.ts'
import { GroupQuestions } from '../compat/groups/group-questions.ts'
import { answers, tables } from '../compat/groups/tables/index.ts'

it.each(tables)('group APIs answer as Apache Kafka 4.3.1 did: %s', async (...table) => {
  const broker = await startBroker()
  const text = await answers(new GroupQuestions(broker.bootstrapServers, '-in-process'), table)
  await broker.stop()
  await expect(text).toMatchFileSnapshot(`../golden/groups/${table[0]}.txt`)
})
