import { useBroker } from 'dohle/jest'
import { startBilling } from '../src/billing'

// A broker in this process, in memory, on a free port: started before the first test of this file.
const kafka = useBroker({ topics: ['orders:3', 'invoices'] })

let app: Awaited<ReturnType<typeof startBilling>>

beforeAll(async () => {
  app = await startBilling([kafka().bootstrapServers])
  await kafka().waitForGroup('billing-server', { members: 1 })
})

afterAll(async () => {
  await app.close()
})

test('an order becomes an invoice', async () => {
  await kafka().produce('orders', [{ value: { id: 1, amount: 100 } }])
  expect(await kafka().waitForRecords('invoices', 1)).toMatchObject([
    { key: '1', value: { order: 1, total: 119 } },
  ])
})

test('an error of the broker is retried', async () => {
  const fault = kafka().faults.add({
    api: 'Produce',
    topic: 'invoices',
    error: 'NOT_LEADER_OR_FOLLOWER',
    times: 1,
  })
  await kafka().produce('orders', [{ value: { id: 2, amount: 100 } }])
  const ofSecond = { where: ({ key }: { key: unknown }) => key === '2' }
  expect(await kafka().waitForRecords('invoices', 1, ofSecond)).toHaveLength(1)
  expect(fault.hits).toBe(1)
})
