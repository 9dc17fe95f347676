// Sends a few records with kafkajs and reads them back:
//
//   npx dohle --topic orders:3
//   node examples/kafkajs.mjs
import { Kafka, logLevel } from 'kafkajs'

const brokers = (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(',')
const kafka = new Kafka({ clientId: 'example', brokers, logLevel: logLevel.ERROR })

const producer = kafka.producer()
await producer.connect()
await producer.send({
  topic: 'orders',
  messages: [
    { key: 'u1', value: 'one' },
    { key: 'u2', value: 'two' },
    { key: 'u1', value: 'three' },
  ],
})
await producer.disconnect()

const consumer = kafka.consumer({ groupId: 'example' })
await consumer.connect()
await consumer.subscribe({ topic: 'orders', fromBeginning: true })
let left = 3
await consumer.run({
  eachMessage: async ({ partition, message }) => {
    console.log(`${partition}@${message.offset} ${message.key}: ${message.value}`)
    left -= 1
    if (left === 0) setImmediate(() => consumer.disconnect())
  },
})
