import { Kafka, logLevel } from 'kafkajs'

export interface Order {
  readonly id: number
  readonly amount: number
}

/** Reads orders and writes an invoice for each. */
export async function startBilling({ brokers }: { brokers: string[] }) {
  const kafka = new Kafka({ clientId: 'billing', brokers, logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  const consumer = kafka.consumer({ groupId: 'billing', maxWaitTimeInMs: 200 })
  await producer.connect()
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async ({ message }) => {
      const order: Order = JSON.parse(String(message.value))
      const invoice = { order: order.id, total: order.amount * 1.19 }
      await producer.send({
        topic: 'invoices',
        messages: [{ key: message.key, value: JSON.stringify(invoice) }],
      })
    },
  })
  return {
    async stop() {
      await consumer.disconnect()
      await producer.disconnect()
    },
  }
}
