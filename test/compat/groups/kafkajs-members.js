// BOOTSTRAP TOPIC GROUP: two members of a group until standard input closes; see member-log.ts.
import { Kafka, logLevel } from 'kafkajs'

const [, , bootstrap, topic, groupId] = process.argv

const kafka = new Kafka({
  brokers: [bootstrap],
  logLevel: logLevel.NOTHING,
  requestTimeout: 10_000,
  retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 1000 },
})

function say(name, what, facts) {
  process.stdout.write(`${Date.now()} ${name} ${what} ${facts}\n`)
}

async function start(name) {
  const consumer = kafka.consumer({
    groupId,
    // After a crash it comes back as another member, which has to wait for the end of the first.
    sessionTimeout: 10_000,
    heartbeatInterval: 1_000,
    maxBytesPerPartition: 4_096,
    maxWaitTimeInMs: 200,
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    process.stderr.write(`${name}: ${payload.error}\n`)
    if (!payload.restart) process.exit(1)
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    say(name, 'assigned', (payload.memberAssignment[topic] ?? []).join(','))
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch, resolveOffset }) => {
      const { partition, messages } = batch
      for (const { offset } of messages) say(name, 'read', `${partition} ${offset}`)
      const next = `${Number(messages.at(-1).offset) + 1}`
      await consumer.commitOffsets([{ topic, partition, offset: next }])
      say(name, 'committed', `${partition} ${next}`)
      // What fails after this does not bring the batch again.
      resolveOffset(messages.at(-1).offset)
    },
  })
  return consumer
}

const consumers = await Promise.all(['a', 'b'].map(start))
process.stdin.resume()
await new Promise((resolve) => process.stdin.once('end', resolve))
await Promise.all(consumers.map((consumer) => consumer.disconnect()))
process.exit(0)
