import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { Metadata } from '../../src/protocol/apis/03-metadata.ts'
import { ApiVersions } from '../../src/protocol/apis/18-api-versions.ts'
import { apis } from '../../src/protocol/apis/index.ts'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import { FrameSplitter } from '../../src/protocol/frame.ts'
import { decodeRequestFrame, encodeResponse } from '../../src/protocol/message.ts'
import type { Api, RequestOf, ResponseOf } from '../../src/protocol/schema.ts'

export interface Asked {
  readonly name: string
  readonly apiVersion: number
  readonly clientId: string
  readonly request: unknown
}

/** `close` ends the connection, `silence` never answers. */
type Answer<A extends Api> = ResponseOf<A> | 'close' | 'silence'
type Answerer = (request: never, asked: Asked) => unknown

/** A broker that answers what a test tells it to, over a real socket. */
export class FakeBroker {
  readonly asked: Asked[] = []
  readonly #answers = new Map<number, Answerer>()
  readonly #sockets = new Set<net.Socket>()
  readonly #server = net.createServer((socket) => this.#serve(socket))
  /** What it says it answers; all of the protocol when undefined. */
  versions: readonly { apiKey: number; minVersion: number; maxVersion: number }[] | undefined

  static async start(port = 0): Promise<FakeBroker> {
    const broker = new FakeBroker()
    broker.#server.listen(port, '127.0.0.1')
    await once(broker.#server, 'listening')
    return broker
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.port }
  }

  on<A extends Api>(
    api: A,
    answer: (request: RequestOf<A>, asked: Asked) => Answer<A> | Promise<Answer<A>>,
  ): this {
    this.#answers.set(api.key, answer as unknown as Answerer)
    return this
  }

  /** Answers Metadata: this broker alone, leader of all partitions of these topics. */
  withTopics(topics: Readonly<Record<string, number>>, nodeId = 1): this {
    return this.on(Metadata, (request) => ({
      brokers: [{ nodeId, ...this.address, rack: null }],
      clusterId: 'cluster',
      controllerId: nodeId,
      topics: (request.topics?.map(({ name }) => name ?? '') ?? Object.keys(topics)).map((name) => {
        const count = topics[name]
        return {
          name,
          errorCode: count === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : 0,
          partitions: Array.from({ length: count ?? 0 }, (_, partitionIndex) => ({
            errorCode: 0,
            partitionIndex,
            leaderId: nodeId,
            replicaNodes: [nodeId],
            isrNodes: [nodeId],
          })),
        }
      }),
    }))
  }

  /** Requests of one kind, in the order they came. */
  requests<A extends Api>(api: A): RequestOf<A>[] {
    return this.asked
      .filter(({ name }) => name === api.name)
      .map(({ request }) => request as RequestOf<A>)
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(socket: net.Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    const splitter = new FrameSplitter(1 << 24, (buffer, start, end) => {
      void this.#answer(socket, Buffer.from(buffer.subarray(start, end)))
    })
    socket.on('data', (bytes: Buffer) => splitter.push(bytes))
  }

  async #answer(socket: net.Socket, frame: Buffer): Promise<void> {
    const { api, apiVersion, correlationId, clientId, request } = decodeRequestFrame(frame)
    const asked = { name: api.name, apiVersion, clientId, request }
    this.asked.push(asked)
    const answer =
      this.#answers.get(api.key) ?? (api === ApiVersions && (() => this.#apiVersions()))
    if (!answer) throw new Error(`the test says nothing about ${api.name}`)
    const response = await answer(request as never, asked)
    if (response === 'close') socket.destroy()
    if (typeof response === 'string') return
    const { chunks } = encodeResponse(api, apiVersion, correlationId, response as ResponseOf<Api>)
    socket.write(Buffer.concat(chunks))
  }

  #apiVersions() {
    const all = apis.map(({ key, versions: [minVersion, maxVersion] }) => ({
      apiKey: key,
      minVersion,
      maxVersion,
    }))
    return { errorCode: 0, apiKeys: this.versions ?? all }
  }
}
