// produce BOOTSTRAP TOPIC LABEL COUNT CODEC | consume BOOTSTRAP TOPIC COUNT GROUP; see clients.ts.
import { Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'

async function produce(bootstrap, topic, label, count, codec) {
  const producer = new Producer({
    clientId: label,
    bootstrapBrokers: [bootstrap],
    serializers: stringSerializers,
    autocreateTopics: true,
  })
  // One record a call: the answer names partitions and offsets, not records.
  for (let i = 0; i < Number(count); i++) {
    const key = `${label}-${i}`
    const { offsets } = await producer.send({
      messages: [
        { topic, key, value: JSON.stringify({ from: label, i }), headers: { from: label } },
      ],
      acks: -1,
      compression: codec,
    })
    for (const at of offsets) console.log(`${at.partition}\t${at.offset}\t${key}`)
  }
  await producer.close()
}

async function consume(bootstrap, topic, count, group) {
  const consumer = new Consumer({
    groupId: group,
    clientId: group,
    bootstrapBrokers: [bootstrap],
    deserializers: stringDeserializers,
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: true })
  let seen = 0
  for await (const message of stream) {
    const headers = [...message.headers].map(([name, value]) => `${name}=${value}`).join(',')
    const { partition, offset, timestamp, key, value } = message
    console.log([partition, offset, timestamp, key, value, headers].join('\t'))
    seen += 1
    if (seen === Number(count)) break
  }
  await stream.close()
  await consumer.close(true)
}

const [, , verb, ...rest] = process.argv
await { produce, consume }[verb](...rest)
