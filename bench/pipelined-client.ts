import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { CreateTopics } from '../src/protocol/apis/19-create-topics.ts'
import { decodeResponse, encodeRequest } from '../src/protocol/message.ts'
import type { Api, DecodedOf, EncodableOf } from '../src/protocol/schema.ts'

/** One connection with any number of requests under way, which are answered in their order. */
export class PipelinedClient {
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  readonly #waiting: ((frame: Buffer) => void)[] = []
  #next = 0
  #correlationId = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
  }

  static async connect(port: number): Promise<PipelinedClient> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new PipelinedClient(socket)
  }

  ask<A extends Api>(
    api: A,
    apiVersion: number,
    request: EncodableOf<A['request']>,
  ): Promise<DecodedOf<A['response']>> {
    const header = { correlationId: ++this.#correlationId, clientId: 'bench' }
    const { chunks } = encodeRequest(api, apiVersion, header, request)
    for (const chunk of chunks) this.#socket.write(chunk)
    return new Promise((resolve) => {
      this.#waiting.push((frame) => resolve(decodeResponse(api, apiVersion, frame).response))
    })
  }

  async createTopics(topics: readonly { name: string; partitions: number }[]): Promise<void> {
    await this.ask(CreateTopics, 7, {
      topics: topics.map(({ name, partitions }) => ({
        name,
        numPartitions: partitions,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      })),
      timeoutMs: 30_000,
    })
  }

  #take(bytes: Buffer): void {
    const received = this.#received.length > 0 ? Buffer.concat([this.#received, bytes]) : bytes
    let at = 0
    while (received.length - at >= 4) {
      const size = received.readInt32BE(at)
      if (received.length - at - 4 < size) break
      this.#answer(received.subarray(at + 4, at + 4 + size))
      at += 4 + size
    }
    this.#received = Buffer.from(received.subarray(at))
  }

  #answer(frame: Buffer): void {
    this.#waiting[this.#next++]!(frame)
    if (this.#next < 1_000) return
    this.#waiting.splice(0, this.#next)
    this.#next = 0
  }

  close(): void {
    this.#socket.destroy()
  }
}
