import { expect, it } from 'vitest'
import { startBroker } from '../../src/index.ts'
import { interview } from '../compat/transactions/answers.ts'
import { WireClient } from '../compat/wire-client.ts'

it('the transaction APIs answer as Apache Kafka 4.3.1 did', async () => {
  const broker = await startBroker()
  const client = await WireClient.connect(broker.bootstrapServers)
  const text = await interview(client, '-t')
  client.close()
  await broker.stop()
  await expect(text).toMatchFileSnapshot('../golden/transactions/answers.txt')
})
