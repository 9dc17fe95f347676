import { readFileSync } from 'node:fs'
import net from 'node:net'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Dohle } from './broker.ts'

/** What a broker may grow by while it is sent garbage. */
const RSS_GROWTH_LIMIT_MB = 100

let dohle: Dohle
let producer: Producer
let kafka: Kafka

beforeAll(async () => {
  dohle = await Dohle.start(['--topic', 'work:1'])
  kafka = new Kafka({
    brokers: [dohle.bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  })
  producer = kafka.producer()
  await producer.connect()
})

afterAll(async () => {
  await producer.disconnect()
  await dohle.stop()
})

/** Sends `bytes` on a connection of its own; resolves when it is closed, or left open by both. */
async function attack(bytes: Uint8Array, then: 'wait' | 'end' | 'reset'): Promise<void> {
  const socket = net.connect(dohle.port, '127.0.0.1')
  socket.on('error', () => {})
  await new Promise((connected) => socket.once('connect', connected))
  await new Promise((written) => socket.write(bytes, written))
  if (then === 'end') socket.end()
  if (then === 'reset') socket.resetAndDestroy()
  if (then !== 'wait') return
  const closed = new Promise((ended) => socket.once('close', ended))
  const tired = new Promise((resolve) => setTimeout(resolve, 300))
  await Promise.race([closed, tired])
  socket.destroy()
}

/** A frame's size and as much of it as is given. */
function frame(size: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(4)
  head.writeInt32BE(size)
  return Buffer.concat([head, body])
}

/** The same bytes at every run. */
function noise(seed: number, length: number): Buffer {
  let state = seed
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state >>> 24
    }),
  )
}

const metadata = Buffer.from('00030009000000010003616263000001000100', 'hex')
const tlsHello = Buffer.from(`16030102000100${'01fc0303'}${'ab'.repeat(508)}`, 'hex')

const attacks: Record<string, (round: number) => Promise<void>[]> = {
  'random bytes': (round) => [attack(noise(round, 4_096), 'wait'), attack(noise(round, 7), 'end')],
  'random bytes in a valid frame': (round) => [attack(frame(512, noise(round, 512)), 'wait')],
  'a valid header with a random body': (round) => {
    const header = Buffer.alloc(8)
    header.writeInt16BE(round % 93)
    header.writeInt16BE(round % 14, 2)
    return [attack(frame(264, Buffer.concat([header, noise(round, 256)])), 'wait')]
  },
  'half a frame, then silence, an end or a reset': () => [
    attack(frame(1_000, metadata), 'wait'),
    attack(frame(1_000, metadata), 'end'),
    attack(frame(metadata.length, metadata.subarray(0, 9)), 'reset'),
    attack(Buffer.from([0, 0]), 'end'),
  ],
  'the announcement of 2 GiB': () => [attack(frame(2 ** 31 - 1, metadata), 'wait')],
  'the announcement of 100 MiB that never come': () => [
    attack(frame(100 * 1024 * 1024, metadata), 'wait'),
  ],
  'a negative and a zero size': () => [
    attack(frame(-1, metadata), 'wait'),
    attack(frame(-(2 ** 31), metadata), 'wait'),
    attack(frame(0, metadata), 'wait'),
  ],
  'an array of two billion elements': () => [
    attack(frame(15, Buffer.from('00030000000000010000007fffffff', 'hex')), 'wait'),
  ],
  HTTP: () => [attack(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), 'wait')],
  'a TLS hello': () => [attack(tlsHello, 'wait')],
}

function rssMb(): number {
  const status = readFileSync(`/proc/${dohle.program.child.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

describe('garbage on the port', () => {
  let sent = 0

  /** A client at work until `busy` ends; each of its sends must succeed at once. */
  async function workWhile(busy: Promise<unknown>): Promise<number[]> {
    let done = false
    const offsets: number[] = []
    const finished = busy.finally(() => {
      done = true
    })
    while (!done) {
      const [at] = await producer.send({ topic: 'work', messages: [{ value: `${sent}` }] })
      offsets.push(Number(at?.baseOffset))
      sent += 1
    }
    await finished
    return offsets
  }

  it.each(Object.keys(attacks))(
    '(%s) disturbs no client at work, and costs no memory',
    async (name) => {
      const rounds = async () => {
        for (let round = 0; round < 20; round++) {
          await Promise.all(
            Array.from({ length: 5 }, (_, i) => attacks[name]?.(round * 5 + i)).flat(),
          )
        }
      }
      const before = { sent, rss: rssMb() }
      const offsets = await workWhile(rounds())
      expect(offsets.length).toBeGreaterThan(10)
      expect(offsets).toEqual(offsets.map((_, i) => before.sent + i))
      expect(rssMb() - before.rss).toBeLessThan(RSS_GROWTH_LIMIT_MB)
    },
  )

  it('leaves every record of the client in the log', async () => {
    const consumer = kafka.consumer({ groupId: 'after' })
    await consumer.connect()
    await consumer.subscribe({ topic: 'work', fromBeginning: true })
    const values: number[] = []
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
        if (values.push(Number(message.value)) === sent) resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
    })
    await consumer.disconnect()
    expect(values).toEqual(Array.from({ length: sent }, (_, i) => i))
  })

  it('is answered with one line of log for a connection, which says from whom and why', () => {
    const warnings = dohle.log.filter(({ level }) => Number(level) >= 40)
    const http = warnings.filter((line) => JSON.stringify(line).includes('HTTP'))
    expect(http).toHaveLength(100)
    expect(JSON.stringify(http[0])).toContain('127.0.0.1')
    expect(warnings.filter((line) => JSON.stringify(line).includes('TLS'))).toHaveLength(100)
    expect(dohle.log.filter(({ level }) => Number(level) >= 50)).toEqual([])
  })

  it('lets the broker stop as if nothing had been', async () => {
    await producer.disconnect()
    expect(await dohle.program.stop('SIGTERM')).toBe(0)
  })
})
