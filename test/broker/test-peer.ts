import { ConnectionPeer } from '../../src/server/connection-peer.ts'

export function testPeer(facts: Partial<ConnectionPeer> = {}): ConnectionPeer {
  return new ConnectionPeer({
    connectionId: 1,
    address: '127.0.0.1',
    port: 50_000,
    listenerName: 'PLAINTEXT',
    localAddress: '127.0.0.1',
    localPort: 9092,
    ...facts,
  })
}
