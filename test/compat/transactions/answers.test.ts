import { describe, expect, it } from 'vitest'
import { brokerForThisFile } from '../broker.ts'
import { WireClient } from '../wire-client.ts'
import { interview, interviewAboutEpochs } from './answers.ts'
import { interviewAboutTheUnusual } from './unusual.ts'

const golden = '../../golden/transactions'
// Kafka looks for transactions that ran out of time every 10 s; here it has to hurry.
const args = [
  '--override',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms=200',
  '--override',
  'offsets.topic.num.partitions=1',
]

describe('the transaction APIs', () => {
  const broker = brokerForThisFile(args)

  it.each([
    ['answers.txt', interview],
    ['epochs.txt', interviewAboutEpochs],
    ['unusual.txt', interviewAboutTheUnusual],
  ] as const)(
    'answer as Apache Kafka does: %s',
    async (file, ask) => {
      const client = await WireClient.connect(broker.bootstrap)
      const text = await ask(client, `-${Date.now()}`)
      client.close()
      await expect(text).toMatchFileSnapshot(`${golden}/${file}`)
    },
    600_000,
  )
})
