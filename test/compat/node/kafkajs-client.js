// produce BOOTSTRAP TOPIC LABEL COUNT CODEC | consume BOOTSTRAP TOPIC COUNT GROUP; see clients.ts.
import kafkajs from 'kafkajs'
import './kafkajs-codecs.js'

const { CompressionTypes, Kafka, logLevel } = kafkajs

const codecNames = { none: 'None', gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' }

function connect(bootstrap, clientId) {
  return new Kafka({ brokers: [bootstrap], clientId, logLevel: logLevel.ERROR })
}

async function produce(bootstrap, topic, label, count, codec) {
  const producer = connect(bootstrap, label).producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  const send = async (i) => {
    const key = `${label}-${i}`
    const [at] = await producer.send({
      topic,
      acks: -1,
      compression: CompressionTypes[codecNames[codec]],
      messages: [{ key, value: JSON.stringify({ from: label, i }), headers: { from: label } }],
    })
    console.log(`${at.partition}\t${at.baseOffset}\t${key}`)
  }
  for (let i = 0; i < Number(count); i += 10) {
    await Promise.all(Array.from({ length: Math.min(10, count - i) }, (_, j) => send(i + j)))
  }
  await producer.disconnect()
}

async function consume(bootstrap, topic, count, groupId) {
  const consumer = connect(bootstrap, groupId).consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let seen = 0
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
    const eachMessage = async ({ partition, message }) => {
      if (seen === Number(count)) return
      const { offset, timestamp, key, value } = message
      const headers = Object.entries(message.headers).map(([name, text]) => `${name}=${text}`)
      console.log([partition, offset, timestamp, key, value, headers.join(',')].join('\t'))
      seen += 1
      if (seen === Number(count)) resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  await consumer.disconnect()
}

const [, , verb, ...rest] = process.argv
await { produce, consume }[verb](...rest)
