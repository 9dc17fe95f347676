import type { Socket } from 'node:net'
import type { Cancel } from '../base/clock.ts'
import type { Exchange } from '../broker/exchange.ts'
import type { ConnectionHost } from './connection-host.ts'
import type { ConnectionPeer } from './connection-peer.ts'
import { FRAME_HEADER_BYTES, FrameAssembler } from './frame-assembler.ts'
import { guessProtocol } from './peer-hint.ts'
import { type Receiver, startReading } from './receive.ts'
import type { MemoryWaiter } from './request-memory.ts'

/** One flush that the kernel has not taken completely. */
interface Sending {
  readonly flushNumber: number
  readonly exchanges: readonly Exchange[]
}

/**
 * One client. Frames come in, are handled one after the other (or overlapping, where a handler
 * allows it) and answered in their order, with one write per tick.
 *
 * Two things stop it from reading: requests that may not start yet (the bytes behind them wait in
 * `#kept`), and responses that the client does not take.
 */
export class Connection implements Receiver, MemoryWaiter {
  readonly peer: ConnectionPeer
  lastActivityMs: number
  readonly #host: ConnectionHost
  readonly #assembler: FrameAssembler
  #socket: Socket | undefined
  /** The assembler's buffer while it is the target of reads. */
  #target: Buffer | undefined
  /** Bytes after a request that may not be followed yet. */
  #kept: { readonly buffer: Buffer; position: number; readonly end: number } | undefined
  /** Requests whose responses are not encoded, in order. */
  readonly #waiting: Exchange[] = []
  /** A frame put together from several reads that a held request refers to. */
  #heldFrame: Buffer | undefined
  #isReceiving = false
  /** The request that must be over before the next one begins. */
  #blockedBy: Exchange | undefined
  #encoded: Exchange[] = []
  #sending: Sending[] = []
  #flushes = 0
  #flushesDone = 0
  #paused = true
  #choked = false
  /** Quotas that keep it from reading for a while: what ends each of them early. */
  readonly #mutes = new Set<Cancel>()
  /** No more requests: the connection ends when the responses are out. */
  #ending = false
  #failed = false
  readonly #onChange = (exchange: Exchange) => this.#exchangeChanged(exchange)
  readonly #onWritten = () => this.#written()

  constructor(host: ConnectionHost, peer: ConnectionPeer, nowMs: number) {
    this.#host = host
    this.peer = peer
    this.lastActivityMs = nowMs
    this.#assembler = new FrameAssembler(host.pool, host.requestMemory)
  }

  /** Begins to read. `socket` was made by `receiveInto` with this connection. */
  start(socket: Socket): void {
    this.#socket = socket
    socket.on('error', (error) => this.#socketFailed(error))
    socket.on('close', () => this.#closed())
    this.#paused = false
    startReading(socket)
  }

  readTarget(): Buffer {
    this.#target = this.#assembler.readTarget()
    return this.#target ?? this.#host.receiveBuffer
  }

  received(buffer: Buffer, byteCount: number): boolean {
    if (this.#ending) return true
    try {
      this.#receive(buffer, byteCount, this.#host.clock.nowMs())
    } catch (error) {
      this.#fellOver(error)
    }
    return !this.#paused
  }

  #receive(buffer: Buffer, byteCount: number, nowMs: number): void {
    this.lastActivityMs = nowMs
    if (buffer === this.#target) {
      this.#assembler.advance(byteCount)
      if (this.#assembler.complete) this.#handleAssembled(nowMs, false)
    } else {
      const position = this.#processRead(buffer, 0, byteCount, nowMs)
      if (position < byteCount && !this.#ending) this.#keep(buffer, position, byteCount)
    }
    this.#flush()
    this.#paused = !this.#mayRead()
  }

  /** `#process`, and the end of what its requests had held to do together. */
  #processRead(buffer: Buffer, start: number, end: number, nowMs: number): number {
    let position: number
    this.#isReceiving = true
    try {
      position = this.#process(buffer, start, end, nowMs)
    } finally {
      this.#host.dispatcher.settleHeld()
      this.#isReceiving = false
      if (this.#heldFrame) this.#host.pool.give(this.#heldFrame)
      this.#heldFrame = undefined
    }
    this.#encodeReady()
    // So many requests were held that no more could begin.
    if (position < end && this.#mayStart()) this.#host.schedule(this)
    return position
  }

  /** Called by the request memory: there is room again. */
  readOn(): void {
    this.#host.schedule(this)
  }

  /** Sends what has become ready, starts what was held up, reads on. Once per tick at most. */
  tick(): void {
    if (this.peer.closed) return
    try {
      this.#encodeReady()
      this.#processKept()
      this.#flush()
    } catch (error) {
      this.#fellOver(error)
      return
    }
    if (this.#paused && this.#mayRead() && this.#socket) {
      this.#paused = false
      startReading(this.#socket)
    }
  }

  /** A bug of ours costs this connection, not the others: half an answer must not reach them. */
  #fellOver(error: unknown): void {
    this.#host.writer.take()
    const stack = error instanceof Error ? error.stack : String(error)
    this.#host.log.error({ ...this.peer.description(), stack }, 'connection failed')
    this.destroy()
  }

  /** Whether part of a request came in, and the rest does not. */
  get isMidRequest(): boolean {
    return this.#assembler.active && !this.#paused
  }

  /** Ends the connection when all requests that have begun are answered. */
  drain(): void {
    if (this.peer.closed || this.#ending) return
    this.#ending = true
    this.#dropKept()
    if (this.#waiting.length === 0) this.#end()
  }

  /** Ends the connection now, with one log line. */
  abort(reason: string, level: 'debug' | 'warn' = 'warn'): void {
    if (this.peer.closed) return
    this.#host.log[level]({ ...this.peer.description(), reason }, 'connection closed')
    this.destroy()
  }

  destroy(): void {
    this.#ending = true
    this.#socket?.destroy()
  }

  #process(buffer: Buffer, start: number, end: number, nowMs: number): number {
    const assembler = this.#assembler
    let position = start
    while (position < end && this.#mayStart()) {
      const available = end - position - FRAME_HEADER_BYTES
      if (assembler.active || available < 0) {
        position = this.#assemble(buffer, position, end, nowMs)
        continue
      }
      const size = buffer.readInt32BE(position)
      if (!this.#sizeIsAllowed(size, buffer.subarray(position, end))) return end
      if (available < size) {
        position = assembler.push(buffer, assembler.pushHeader(buffer, position, end), end)
      } else {
        const frameEnd = position + FRAME_HEADER_BYTES + size
        this.#handle(buffer, position + FRAME_HEADER_BYTES, frameEnd, nowMs, frameEnd < end)
        position = frameEnd
      }
    }
    return position
  }

  /** Goes on with a frame that began in an earlier read. */
  #assemble(buffer: Buffer, start: number, end: number, nowMs: number): number {
    const assembler = this.#assembler
    let position = start
    if (!assembler.hasSize) {
      position = assembler.pushHeader(buffer, position, end)
      if (!assembler.hasSize) return position
      if (!this.#sizeIsAllowed(assembler.size, buffer.subarray(start, end))) return end
    }
    position = assembler.push(buffer, position, end)
    if (assembler.complete) this.#handleAssembled(nowMs, position < end)
    return position
  }

  #handleAssembled(nowMs: number, mayHold: boolean): void {
    const frame = this.#assembler.frame()
    this.#handle(frame, 0, frame.byteLength, nowMs, mayHold)
    this.#target = undefined
    if (mayHold) this.#heldFrame = this.#assembler.detach()
    else this.#assembler.reset()
    this.#host.requestMemory.done(this)
  }

  #sizeIsAllowed(size: number, seen: Uint8Array): boolean {
    const { maxRequestBytes } = this.#host.limits
    if (size > 0 && size <= maxRequestBytes) return true
    const limit = size > 0 ? `, the limit is ${maxRequestBytes} (socket.request.max.bytes)` : ''
    this.#failLater({
      reason: `a request of ${size} bytes${limit}`,
      hint: this.#flushes === 0 ? guessProtocol(seen) : 'bytes were lost or sent twice',
      firstBytes: Buffer.from(seen.subarray(0, 16)).toString('hex'),
    })
    return false
  }

  #handle(bytes: Buffer, start: number, end: number, nowMs: number, mayHold: boolean): void {
    const exchange = this.#host.dispatcher.dispatch(bytes, start, end, this.peer, nowMs, mayHold)
    if (exchange.state === 'pending') {
      exchange.onChange = this.#onChange
      if (!exchange.nextMayStart) this.#blockedBy = exchange
      this.#waiting.push(exchange)
      return
    }
    if (exchange.state === 'failed') this.#failLater({ reason: exchange.failure })
    if (this.#waiting.length > 0) this.#waiting.push(exchange)
    else this.#finish(exchange)
  }

  #exchangeChanged(exchange: Exchange): void {
    if (exchange === this.#blockedBy) this.#blockedBy = undefined
    if (exchange.state === 'failed') this.#failLater({ reason: exchange.failure })
    // The end of the read sends it.
    if (this.peer.closed || this.#isReceiving) return
    this.#host.schedule(this)
  }

  /** Takes no more requests and says why; what was asked before is still answered. */
  #failLater(fields: object): void {
    if (this.#ending) return
    this.#ending = true
    this.#failed = true
    this.#host.log.warn({ ...this.peer.description(), ...fields }, 'connection closed')
    this.#dropKept()
  }

  #mayStart(): boolean {
    return (
      !this.#ending &&
      !this.#blockedBy &&
      !this.#choked &&
      this.#mutes.size === 0 &&
      this.#waiting.length < this.#host.limits.maxInFlightRequests
    )
  }

  #mayRead(): boolean {
    if (this.#kept || this.#choked || this.#mutes.size > 0) return false
    return !this.#assembler.active || this.#host.requestMemory.mayRead(this)
  }

  #keep(buffer: Buffer, position: number, end: number): void {
    const { pool, requestMemory } = this.#host
    const kept = pool.take(end - position)
    requestMemory.take(kept.byteLength)
    kept.set(buffer.subarray(position, end))
    this.#kept = { buffer: kept, position: 0, end: end - position }
  }

  #processKept(): void {
    const kept = this.#kept
    if (!kept) return
    const nowMs = this.#host.clock.nowMs()
    kept.position = this.#processRead(kept.buffer, kept.position, kept.end, nowMs)
    if (kept.position === kept.end) this.#dropKept()
  }

  #dropKept(): void {
    if (!this.#kept) return
    this.#host.requestMemory.give(this.#kept.buffer.byteLength)
    this.#host.pool.give(this.#kept.buffer)
    this.#kept = undefined
  }

  #encodeReady(): void {
    let count = 0
    for (const exchange of this.#waiting) {
      if (exchange.state === 'pending') break
      this.#finish(exchange)
      count++
    }
    if (count > 0) this.#waiting.splice(0, count)
  }

  /** The turn of `exchange` has come. */
  #finish(exchange: Exchange): void {
    const { writer, limits } = this.#host
    if (exchange.state === 'ready') exchange.encode(writer)
    if (exchange.throttleTimeMs > 0) this.#mute(exchange.throttleTimeMs)
    this.#encoded.push(exchange)
    // Many requests may come with one read: what they answer is bounded before the tick is over.
    if (writer.byteLength > limits.maxUnsentBytes) this.#flush()
  }

  /** Reads on when `throttleTimeMs` is over, as Kafka does for a client over its quota. */
  #mute(throttleTimeMs: number): void {
    const cancel = this.#host.clock.schedule(throttleTimeMs, () => {
      this.#mutes.delete(cancel)
      this.#host.schedule(this)
    })
    this.#mutes.add(cancel)
  }

  #flush(): void {
    const { writer, limits } = this.#host
    const socket = this.#socket!
    if (writer.byteLength > 0) {
      writeAll(socket, writer.take().chunks, this.#onWritten)
      this.#flushes++
      this.#sending.push({ flushNumber: this.#flushes, exchanges: this.#encoded })
      this.#encoded = []
      // The kernel mostly takes everything at once: then nothing is held until the next tick.
      if (socket.writableLength === 0) this.#release(this.#flushes)
      else this.#choked = socket.writableLength > limits.maxUnsentBytes
    } else if (this.#encoded.length > 0) {
      this.#releaseEncoded()
    }
    if (this.#ending && this.#waiting.length === 0) this.#end()
  }

  #end(): void {
    // Bytes that a client sent against the rules are not read: nobody waits for its last one.
    if (this.#failed) this.#socket?.destroySoon()
    else this.#socket?.end()
  }

  #written(): void {
    this.#flushesDone++
    this.#release(this.#flushesDone)
    if (this.peer.closed) return
    this.lastActivityMs = this.#host.clock.nowMs()
    if (this.#choked && this.#socket!.writableLength <= this.#host.limits.maxUnsentBytes / 2) {
      this.#choked = false
      this.#host.schedule(this)
    }
  }

  #release(upToFlush: number): void {
    while (this.#sending.length > 0 && this.#sending[0]!.flushNumber <= upToFlush) {
      for (const exchange of this.#sending.shift()!.exchanges) exchange.sent()
    }
  }

  #releaseEncoded(): void {
    for (const exchange of this.#encoded) exchange.sent()
    this.#encoded = []
  }

  #socketFailed(error: Error): void {
    this.#host.log.debug({ ...this.peer.description(), reason: error.message }, 'connection lost')
  }

  #closed(): void {
    this.#ending = true
    this.#dropKept()
    for (const cancel of this.#mutes) cancel()
    this.#mutes.clear()
    this.#assembler.reset()
    this.#host.requestMemory.done(this)
    this.#release(Number.POSITIVE_INFINITY)
    this.#releaseEncoded()
    for (const exchange of this.#waiting) {
      exchange.onChange = undefined
      exchange.sent()
    }
    this.#waiting.length = 0
    this.peer.close()
    this.#host.connectionClosed(this)
  }
}

/** One system call for all `chunks`; `written` runs when the kernel has them, or never will. */
function writeAll(socket: Socket, chunks: readonly Uint8Array[], written: () => void): void {
  const last = chunks.length - 1
  if (last > 0) socket.cork()
  for (let index = 0; index < last; index++) socket.write(chunks[index]!)
  socket.write(chunks[last]!, written)
  if (last > 0) socket.uncork()
}
