import { useBroker } from 'dohle/vitest'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startBilling } from '../src/billing.ts'

// A broker in this process, in memory, on a free port: started before the first test of this file.
const kafka = useBroker({ topics: ['orders:3', 'invoices'] })

let billing: Awaited<ReturnType<typeof startBilling>>

beforeEach(async () => {
  await kafka().reset()
  billing = await startBilling({ brokers: [kafka().bootstrapServers] })
})

afterEach(async () => {
  kafka().faults.clear()
  await billing.stop()
})

test('an order becomes an invoice', async () => {
  await kafka().produce('orders', [{ key: 'u1', value: { id: 1, amount: 100 } }])
  expect(await kafka().waitForRecords('invoices', 1)).toMatchObject([
    { key: 'u1', value: { order: 1, total: 119 } },
  ])
  await expect
    .poll(() => kafka().committedOffsets('billing'))
    .toContainEqual(expect.objectContaining({ topic: 'orders', offset: 1 }))
})

test('a lost answer makes no second invoice', async () => {
  // The invoice is written, but the connection breaks before billing hears of it.
  kafka().faults.add({ api: 'Produce', topic: 'invoices', drop: 'after', times: 1 })
  await kafka().produce('orders', [{ key: 'u1', value: { id: 2, amount: 100 } }])
  await expect.poll(() => kafka().faults.log.length).toBe(1)
  await kafka().produce('orders', [{ key: 'u1', value: { id: 3, amount: 100 } }])
  const invoices = await kafka().waitForRecords('invoices', 2)
  expect(invoices).toMatchObject([{ value: { order: 2 } }, { value: { order: 3 } }])
})

test('billing survives a rebalance', async () => {
  await kafka().waitForGroup('billing', { members: 1 })
  await kafka().faults.rebalance('billing')
  await kafka().produce('orders', [{ key: 'u1', value: { id: 4, amount: 100 } }])
  expect(await kafka().waitForRecords('invoices', 1)).toMatchObject([{ value: { order: 4 } }])
})
