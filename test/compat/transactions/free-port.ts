import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * For brokers that come back under the address that their clients know. Below the ports that
 * systems give to whoever connects: a client that tries again and again while nobody listens would
 * sooner or later be given the broker's port, and be connected to itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createServer().listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch {
      continue
    }
    server.close()
    await once(server, 'close')
    return port
  }
}
