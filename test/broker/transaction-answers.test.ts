import { expect, it } from 'vitest'
import { startBroker } from '../../src/index.ts'
import { interview } from '../compat/transactions/answers.ts'
import { interviewAboutTheUnusual } from '../compat/transactions/unusual.ts'
import { WireClient } from '../compat/wire-client.ts'

it.each([
  ['answers.txt', interview],
  ['unusual.txt', interviewAboutTheUnusual],
] as const)('the transaction APIs answer as Apache Kafka 4.3.1 did: %s', async (file, ask) => {
  const broker = await startBroker()
  const client = await WireClient.connect(broker.bootstrapServers)
  const text = await ask(client, '-t')
  client.close()
  await broker.stop()
  await expect(text).toMatchFileSnapshot(`../golden/transactions/${file}`)
})
