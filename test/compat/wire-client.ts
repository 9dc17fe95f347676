import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { decodeResponse, encodeRequest } from '../../src/protocol/message.ts'
import type { Api, DecodedOf, EncodableOf } from '../../src/protocol/schema.ts'

/** One connection that asks exactly what a test wants asked, one request after the other. */
export class WireClient {
  readonly #socket: Socket
  #correlationId = 0
  #received = Buffer.alloc(0)
  #wake: (() => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#wake?.()
    })
    socket.on('close', () => this.#wake?.())
    socket.on('error', () => {})
  }

  static async connect(bootstrap: string): Promise<WireClient> {
    const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(bootstrap) ?? []
    const socket = connect(Number(port), host)
    await once(socket, 'connect')
    return new WireClient(socket)
  }

  async ask<A extends Api>(
    api: A,
    apiVersion: number,
    request: EncodableOf<A['request']>,
    clientId = 'wire',
  ): Promise<DecodedOf<A['response']>> {
    const correlationId = ++this.#correlationId
    const { chunks } = encodeRequest(api, apiVersion, { correlationId, clientId }, request)
    this.#socket.write(Buffer.concat(chunks))
    const frame = await this.#frame()
    return decodeResponse(api, apiVersion, frame).response
  }

  /** The same request again and again, without waiting in between. */
  async askRepeatedly<A extends Api>(
    api: A,
    apiVersion: number,
    request: EncodableOf<A['request']>,
    count: number,
  ): Promise<DecodedOf<A['response']>[]> {
    for (let index = 0; index < count; index++) {
      const header = { correlationId: ++this.#correlationId, clientId: 'wire' }
      this.#socket.write(Buffer.concat(encodeRequest(api, apiVersion, header, request).chunks))
    }
    const responses: DecodedOf<A['response']>[] = []
    while (responses.length < count) {
      responses.push(decodeResponse(api, apiVersion, await this.#frame()).response)
    }
    return responses
  }

  async #frame(): Promise<Buffer> {
    for (;;) {
      const size = this.#received.length >= 4 ? this.#received.readInt32BE(0) : undefined
      if (size !== undefined && this.#received.length >= 4 + size) {
        const frame = this.#received.subarray(4, 4 + size)
        this.#received = this.#received.subarray(4 + size)
        return frame
      }
      if (this.#socket.destroyed) throw new Error('the connection is closed')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}
