import { once } from 'node:events'
import net from 'node:net'
import { assert } from '../base/assert.ts'
import { clearTimeout, setImmediate, setTimeout } from '../base/event-loop.ts'

/**
 * How bytes come in. `onread` reads into a buffer that all connections share and costs two to
 * four times less CPU than `data` events, which bring a fresh buffer per read (performance.md
 * section 2); it needs the socket's handle, which Node does not document, so it is tried first.
 */
export type ReceiveMode = 'onread' | 'data'

/** Gets each read. False: read no more until `socket.resume()`. */
export interface Receiver {
  /** Where the next read goes. */
  readTarget(): Buffer
  /** `byteCount` bytes stand at the start of `buffer`; they are gone when this returns. */
  received(buffer: Buffer, byteCount: number): boolean
}

/** Turns an accepted, paused socket into one that reads into the receiver's buffers. */
export function receiveInto(socket: net.Socket, mode: ReceiveMode, receiver: Receiver): net.Socket {
  return mode === 'onread' ? adopt(socket, receiver) : listenForData(socket, receiver)
}

/**
 * Servers have no `onread` option, only `new net.Socket` has: the accepted socket gives its handle
 * up to a socket of our own.
 */
function adopt(accepted: net.Socket, receiver: Receiver): net.Socket {
  const handle: unknown = Reflect.get(accepted, '_handle')
  Reflect.set(accepted, '_handle', null)
  accepted.destroy()
  const options = {
    allowHalfOpen: false,
    handle,
    onread: {
      buffer: () => receiver.readTarget(),
      callback: (byteCount: number, buffer: Buffer) => receiver.received(buffer, byteCount),
    },
  }
  return new net.Socket(options)
}

function listenForData(socket: net.Socket, receiver: Receiver): net.Socket {
  socket.on('data', (chunk: Buffer) => {
    if (!receiver.received(chunk, chunk.byteLength)) socket.pause()
  })
  return socket
}

/** Starts or goes on reading; a handle that was adopted needs a first push. */
export function startReading(socket: net.Socket): void {
  socket.resume()
  socket.read(0)
}

const PROBE = Buffer.from('onread probe')
const PROBE_TIMEOUT_MS = 500

/** Tries `onread` over a loopback connection with this very Node: pause, resume and end included. */
export async function probeReceiveMode(): Promise<ReceiveMode> {
  const server = net.createServer({ pauseOnConnect: true })
  try {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const works = await echoThroughAdoptedSocket(server)
    return works ? 'onread' : 'data'
  } catch {
    return 'data'
  } finally {
    server.close()
  }
}

function echoThroughAdoptedSocket(server: net.Server): Promise<boolean> {
  const target = Buffer.alloc(4)
  const received: Buffer[] = []
  const client = net.connect(portOf(server), '127.0.0.1')
  return new Promise((resolve) => {
    const finish = (works: boolean) => {
      clearTimeout(timer)
      client.destroy()
      resolve(works)
    }
    const timer = setTimeout(() => finish(false), PROBE_TIMEOUT_MS)
    client.on('error', () => finish(false))
    client.on('connect', () => client.end(PROBE))
    server.once('connection', (accepted) => {
      const socket: net.Socket = adopt(accepted, {
        readTarget: () => target,
        received(buffer, byteCount) {
          received.push(Buffer.from(buffer.subarray(0, byteCount)))
          setImmediate(() => startReading(socket))
          return false
        },
      })
      socket.on('end', () => finish(Buffer.concat(received).equals(PROBE)))
      socket.on('error', () => finish(false))
      startReading(socket)
    })
  })
}

/** Port of a server that listens on TCP. */
export function portOf(server: net.Server): number {
  const address = server.address()
  assert(typeof address === 'object' && address !== null, 'the server to listen on TCP')
  return address.port
}
