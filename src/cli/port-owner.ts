import net from 'node:net'
import { readRunFile } from './run-file.ts'

const PROBE_TIMEOUT_MS = 500

/** ApiVersions v0, correlation id 1, no client id: every Kafka broker answers it. */
const API_VERSIONS_REQUEST = Buffer.from('0000000a0012000000000001ffff', 'hex')

/** Who holds a port that cannot be listened on, in words that follow "is taken by". */
export async function describePortOwner(port: number): Promise<string> {
  const run = readRunFile(port)
  if (run) {
    const started = new Date(run.startedAtMs).toTimeString().slice(0, 5)
    return `another dohle (pid ${run.pid}, started ${started})`
  }
  return (await speaksKafka(port)) ? 'another Kafka broker' : 'another program'
}

export async function speaksKafka(port: number, host = 'localhost'): Promise<boolean> {
  const socket = net.connect({ port, host })
  socket.setTimeout(PROBE_TIMEOUT_MS, () => socket.destroy())
  socket.once('connect', () => socket.write(API_VERSIONS_REQUEST))
  try {
    for await (const chunk of socket) {
      const bytes: Buffer = chunk
      return bytes.length >= 8 && bytes.readInt32BE(4) === 1
    }
  } catch {
    // Refused or reset: whoever it is, it is not a broker.
  } finally {
    socket.destroy()
  }
  return false
}
