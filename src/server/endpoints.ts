import type { Node } from '../broker/broker.ts'
import type { Peer } from '../broker/peer.ts'
import type { AdvertisedEndpoint } from '../broker/registration.ts'
import type { ListenerSetting } from '../settings/listeners.ts'
import type { MetadataImage } from '../storage/metadata-store.ts'

/** A listener that is listened on, with the port it got. */
export interface BoundListener extends ListenerSetting {
  readonly boundPort: number
}

/**
 * The address that a connection has reached, as other clients on its way can use it. An IPv6
 * loopback is called localhost, where both loopbacks are listened on: not every client can dial an
 * address with colons.
 */
function reachedHost({ host }: ListenerSetting, { localAddress }: Peer): string {
  return host === 'localhost' && localAddress === '::1' ? host : localAddress
}

/** What is written down about a listener, for other brokers and tools. */
export function registeredEndpoint(listener: BoundListener): AdvertisedEndpoint {
  const { name, host, boundPort, advertised, securityProtocol } = listener
  const isEveryInterface = host === '' || host === '0.0.0.0' || host === '::'
  return {
    name,
    host: advertised?.host ?? (isEveryInterface ? 'localhost' : host),
    port: portToTell(listener, boundPort),
    securityProtocol,
  }
}

/** `advertised.listeners` with port 0 means whatever port there is. */
function portToTell({ advertised }: BoundListener, port: number): number {
  return advertised && advertised.port > 0 ? advertised.port : port
}

/**
 * Live brokers as `peer` can dial them: by `advertised.listeners`, and without that by the address
 * that its own connection has reached, since there a client can get.
 */
export function nodesFor(
  peer: Peer,
  broker: {
    readonly brokerId: number
    readonly rack: string | null
    readonly listeners: readonly BoundListener[]
    readonly image: MetadataImage
  },
): Node[] {
  const { brokerId, rack, listeners, image } = broker
  const nodes: Node[] = []
  for (const other of image.brokers.values()) {
    if (other.brokerId === brokerId || other.fenced) continue
    const endpoint = other.endpoints.find(({ name }) => name === peer.listenerName)
    if (!endpoint) continue
    const { host, port } = endpoint
    nodes.push({ brokerId: other.brokerId, host, port, rack: other.rack })
  }
  const listener = listeners.find(({ name }) => name === peer.listenerName)
  if (!listener) return nodes
  const host = listener.advertised?.host ?? reachedHost(listener, peer)
  return [{ brokerId, host, port: portToTell(listener, peer.localPort), rack }, ...nodes]
}
