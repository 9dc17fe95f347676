import type { TopicImage } from '../storage/metadata-store.ts'
import type { Broker } from './broker.ts'
import type { Peer } from './peer.ts'

/**
 * Tells a client whose idea of the leader is old who leads now, so that it needs no Metadata
 * request (KIP-951).
 */
export class LeaderHints {
  readonly #broker: Broker
  readonly #peer: Peer
  readonly #leaderIds = new Set<number>()

  constructor(broker: Broker, peer: Peer) {
    this.#broker = broker
    this.#peer = peer
  }

  /** The field `currentLeader` of a partition's answer. */
  currentLeader(topic: TopicImage | undefined, index: number) {
    const partition = topic?.partitions[index]
    if (!partition) return undefined
    this.#leaderIds.add(partition.leader)
    return { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch }
  }

  /** The field `nodeEndpoints`: where other brokers that were named as leaders can be dialled. */
  nodeEndpoints() {
    this.#leaderIds.delete(this.#broker.brokerId)
    if (this.#leaderIds.size === 0) return undefined
    return this.#broker
      .nodes(this.#peer)
      .filter(({ brokerId }) => this.#leaderIds.has(brokerId))
      .map(({ brokerId, host, port, rack }) => ({ nodeId: brokerId, host, port, rack }))
  }
}
