import { once } from 'node:events'
import net from 'node:net'
import { systemClock } from '../../src/base/clock.ts'
import { TimerQueue } from '../../src/base/timer-queue.ts'
import type { Dispatcher, Exchange } from '../../src/broker/exchange.ts'
import type { Logger } from '../../src/broker/logger.ts'
import type { Peer } from '../../src/broker/peer.ts'
import type { Writer } from '../../src/protocol/bytes/writer.ts'
import { defaultServerLimits, type ServerLimits } from '../../src/server/connection-host.ts'
import type { ReceiveMode } from '../../src/server/receive.ts'
import { Server } from '../../src/server/server.ts'

/** What the toy dispatcher knows of a request. */
export interface ToyRequest {
  readonly text: string
  readonly peer: Peer
  readonly exchange: ToyExchange
}

export class ToyExchange implements Exchange {
  state: Exchange['state'] = 'pending'
  nextMayStart = false
  throttleTimeMs = 0
  onChange: ((exchange: Exchange) => void) | undefined
  failure = ''
  sentCount = 0
  #answer: Uint8Array = Buffer.alloc(0)

  answer(content: string | Uint8Array): void {
    this.#answer = Buffer.from(content)
    this.#become('ready')
  }

  startNext(): void {
    this.nextMayStart = true
    this.onChange?.(this)
  }

  stayQuiet(): void {
    this.#become('silent')
  }

  fail(failure: string): void {
    this.failure = failure
    this.#become('failed')
  }

  encode(writer: Writer): void {
    writer.int32(this.#answer.byteLength)
    writer.refer(this.#answer)
  }

  sent(): void {
    this.sentCount++
  }

  #become(state: Exchange['state']): void {
    this.state = state
    this.onChange?.(this)
  }
}

export interface LogLine {
  readonly level: keyof Logger
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export function recordingLogger(lines: LogLine[]): Logger {
  const at = (level: keyof Logger) => (fields: object, message: string) => {
    lines.push({ level, message, fields: { ...fields } })
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/**
 * A server whose requests are text. `answer` decides; left alone, a request is echoed.
 */
export async function startToyServer(
  options: {
    limits?: Partial<ServerLimits>
    mode?: ReceiveMode
    answer?: (request: ToyRequest) => void
  } = {},
) {
  const lines: LogLine[] = []
  const requests: ToyRequest[] = []
  const timers = new TimerQueue(systemClock)
  const answer = options.answer ?? (({ exchange, text }) => exchange.answer(text))
  const dispatcher: Dispatcher = {
    dispatch(bytes, start, end, peer) {
      const exchange = new ToyExchange()
      const request = { text: bytes.toString('latin1', start, end), peer, exchange }
      requests.push(request)
      answer(request)
      return exchange
    },
    settleHeld: () => undefined,
  }
  const server = new Server({
    clock: systemClock,
    timers,
    log: recordingLogger(lines),
    limits: { ...defaultServerLimits, ...options.limits },
    receiveMode: options.mode ?? 'onread',
    keepAlive: true,
  })
  const port = await server.listen('PLAINTEXT', '127.0.0.1', 0)
  server.start(dispatcher)
  return {
    server,
    port,
    lines,
    requests,
    async close() {
      await server.close(20)
      timers.close()
    },
  }
}

export function frame(content: string | Uint8Array): Buffer {
  const body = Buffer.from(content)
  const bytes = Buffer.alloc(4 + body.byteLength)
  bytes.writeInt32BE(body.byteLength)
  bytes.set(body, 4)
  return bytes
}

/** A client of raw bytes that collects what it is sent. */
export class RawClient {
  readonly socket: net.Socket
  /** Frames received so far, in order, without their sizes. */
  readonly frames: Buffer[] = []
  #chunks: Buffer[] = []
  #byteLength = 0
  /** Size of the frame that comes in, with its four bytes; 4 while that is not known. */
  #wanted = 4
  closed = false

  constructor(socket: net.Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
    })
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#byteLength += chunk.byteLength
    while (this.#byteLength >= this.#wanted) {
      const bytes = Buffer.concat(this.#chunks)
      const size = 4 + bytes.readInt32BE(0)
      this.#chunks = [bytes]
      this.#wanted = size
      if (bytes.byteLength < size) return
      this.frames.push(bytes.subarray(4, size))
      this.#chunks = [bytes.subarray(size)]
      this.#byteLength -= size
      this.#wanted = 4
    }
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = net.connect({ port, host, noDelay: true })
    const client = new RawClient(socket)
    await once(socket, 'connect')
    return client
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  get texts(): string[] {
    return this.frames.map((bytes) => bytes.toString('latin1'))
  }

  async frameCount(count: number): Promise<Buffer[]> {
    await until(() => this.frames.length >= count || this.closed)
    return this.frames
  }

  close(): void {
    this.socket.destroy()
  }
}

/** Waits until `condition` holds; the test's own timeout is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}
