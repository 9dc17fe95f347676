import { TimerQueue } from '../../src/base/timer-queue.ts'
import type { Uuid } from '../../src/base/uuid.ts'
import type { Broker } from '../../src/broker/broker.ts'
import { GroupService } from '../../src/broker/coordinators/group-service.ts'
import { ProducerIds } from '../../src/broker/coordinators/producer-ids.ts'
import { TransactionService } from '../../src/broker/coordinators/transaction-service.ts'
import { RequestDispatcher } from '../../src/broker/dispatch.ts'
import { handlers } from '../../src/broker/handlers/index.ts'
import { Meters } from '../../src/broker/meters.ts'
import { Writer } from '../../src/protocol/bytes/writer.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/message.ts'
import type { Api, DecodedOf, EncodableOf } from '../../src/protocol/schema.ts'
import { createSettings } from '../../src/settings/settings.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { ConfigResourceType } from '../../src/storage/metadata-store.ts'
import { type LogLine, recordingLogger } from '../server/toy.ts'
import { EngineFixture, NOW_MS } from '../storage/engine-fixture.ts'
import { testPeer } from './test-peer.ts'

export const OFFSETS_TOPIC_ID: Uuid = 'consumer-offsets'

/**
 * Group handlers over a real engine in memory: requests go in as bytes and come out as bytes. Parts
 * of a broker that groups do not use are not there.
 */
export class GroupBroker {
  readonly fixture: EngineFixture
  readonly lines: LogLine[] = []
  /** Names that topics cannot be created under. */
  readonly uncreatable = new Set<string>()
  settings: { [name: string]: string } = {}
  broker: Broker
  readonly #peer = testPeer()
  #dispatcher: RequestDispatcher

  private constructor(fixture: EngineFixture, settings: { [name: string]: string }) {
    this.fixture = fixture
    this.settings = settings
    this.broker = this.#makeBroker()
    this.#dispatcher = new RequestDispatcher(this.broker)
  }

  static async start(settings: { [name: string]: string } = {}): Promise<GroupBroker> {
    const fixture = new EngineFixture(new MemoryFiles(() => NOW_MS), '/data')
    await fixture.open()
    const broker = new GroupBroker(fixture, {
      'group.initial.rebalance.delay.ms': '0',
      ...settings,
    })
    fixture.metadata.commit([
      { type: 'FeatureLevelRecord', value: { name: 'group.version', featureLevel: 1 } },
    ])
    await broker.broker.groups.start()
    return broker
  }

  async restart(): Promise<void> {
    await this.reopen()
    await this.broker.groups.start()
  }

  /** A broker over what the last one stored, which has not loaded its groups yet. */
  async reopen(): Promise<void> {
    this.broker.groups.close()
    this.broker.timers.close()
    await this.fixture.restart()
    this.broker = this.#makeBroker()
    this.#dispatcher = new RequestDispatcher(this.broker)
  }

  createTopic(name: string, partitions = 1): Uuid {
    const topicId = name.padEnd(16, '.')
    this.fixture.metadata.createTopic(name, topicId, partitions)
    return topicId
  }

  growTopic(name: string, partitions: number): void {
    const topic = this.fixture.metadata.image.topicsByName.get(name)!
    for (let partitionId = topic.partitions.length; partitionId < partitions; partitionId++) {
      const { topicId } = topic
      const replicas = { replicas: [1], isr: [1], removingReplicas: [], addingReplicas: [] }
      const value = { partitionId, topicId, ...replicas, leader: 1, leaderEpoch: 0 }
      this.fixture.metadata.commit([{ type: 'PartitionRecord', value }])
    }
  }

  configure(groupId: string, name: string, value: string): void {
    const resourceType = ConfigResourceType.GROUP
    const config = { resourceType, resourceName: groupId, name, value }
    this.fixture.metadata.commit([{ type: 'ConfigRecord', value: config }])
  }

  #makeBroker(): Broker {
    const { fixture, uncreatable } = this
    const texts = new Map(Object.entries(this.settings))
    const parts = {
      brokerId: 1,
      clusterId: 'cluster',
      engine: fixture.engine,
      settings: createSettings({ file: texts }),
      clock: fixture.clock,
      timers: new TimerQueue(fixture.clock),
      log: recordingLogger(this.lines),
      handlers,
      meters: new Meters(),
      quotas: { active: undefined },
      topics: {
        autoCreate(name: string) {
          if (uncreatable.has(name)) return 38
          const topicId = name === '__consumer_offsets' ? OFFSETS_TOPIC_ID : name.padEnd(16, '.')
          fixture.metadata.createTopic(name, topicId.slice(0, 16), 4)
          return fixture.metadata.image.topicsByName.get(name)
        },
        config: () => ({ maxMessageBytes: 1_048_588 }),
      },
      nodes: () => [{ brokerId: 1, host: 'localhost', port: 9092, rack: null }],
    }
    // What is missing belongs to handlers that these tests do not call.
    const broker = parts as unknown as Broker & { groups: GroupService }
    const defer = (callback: () => void) => callback()
    const groups = new GroupService(broker, { defer })
    const producerIds = new ProducerIds(fixture.metadata, 1)
    const transactions = new TransactionService({ ...broker, groups, producerIds }, { defer })
    return Object.assign(broker, { groups, transactions })
  }

  /** The answer to a request, whenever it comes. */
  async send<A extends Api>(
    api: A,
    apiVersion: number,
    request: EncodableOf<A['request']>,
    clientId = 'app',
  ): Promise<DecodedOf<A['response']>> {
    const { chunks } = encodeRequest(api, apiVersion, { correlationId: 7, clientId }, request)
    const bytes = Buffer.concat(chunks)
    const nowMs = this.fixture.clock.nowMs()
    const exchange = this.#dispatcher.dispatch(bytes, 4, bytes.byteLength, this.#peer, nowMs)
    if (exchange.state === 'pending') {
      await new Promise<void>((resolve) => {
        exchange.onChange = () => resolve()
      })
    }
    if (exchange.state !== 'ready') throw new Error(`no answer: ${exchange.failure}`)
    const writer = new Writer()
    exchange.encode(writer)
    const frame = Buffer.concat(writer.take().chunks).subarray(4)
    return decodeResponse(api, apiVersion, frame).response as DecodedOf<A['response']>
  }
}
