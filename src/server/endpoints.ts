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

/** A broker of this process and where it listens. */
export interface ListeningBroker {
  readonly brokerId: number
  readonly settings: { readonly brokerRack: string | null }
  readonly listeners: readonly BoundListener[]
}

/**
 * Live brokers as `peer` can dial them: by `advertised.listeners`, and without that by the address
 * that its own connection has reached, since there a client can get. The others of the process are
 * at the same address, on ports of their own.
 */
export function nodesFor(
  peer: Peer,
  own: ListeningBroker,
  { served, image }: { readonly served: readonly ListeningBroker[]; readonly image: MetadataImage },
): Node[] {
  const nodes: Node[] = []
  for (const { brokerId, settings, listeners } of served) {
    const listener = listeners.find(({ name }) => name === peer.listenerName)
    if (!listener || image.brokers.get(brokerId)?.fenced) continue
    const host = listener.advertised?.host ?? reachedHost(listener, peer)
    const reached = brokerId === own.brokerId ? peer.localPort : listener.boundPort
    const port = portToTell(listener, reached)
    nodes.push({ brokerId, host, port, rack: settings.brokerRack })
  }
  return nodes
}
