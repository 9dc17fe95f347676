import { TimerQueue } from '../../src/base/timer-queue.ts'
import { randomUuid, ZERO_UUID } from '../../src/base/uuid.ts'
import type { Broker } from '../../src/broker/broker.ts'
import { ClientTelemetry } from '../../src/broker/client-telemetry.ts'
import { ConfigAdmin } from '../../src/broker/configs/configs.ts'
import { LiveSettings } from '../../src/broker/configs/live-settings.ts'
import { rootLoggerLevels } from '../../src/broker/configs/logger-levels.ts'
import { GroupService } from '../../src/broker/coordinators/group-service.ts'
import { ProducerIds } from '../../src/broker/coordinators/producer-ids.ts'
import { TransactionService } from '../../src/broker/coordinators/transaction-service.ts'
import { DelayedFetches } from '../../src/broker/delayed.ts'
import { RequestDispatcher } from '../../src/broker/dispatch.ts'
import type { Exchange } from '../../src/broker/exchange.ts'
import { FetchSessions } from '../../src/broker/fetch/fetch-session.ts'
import type { Handler } from '../../src/broker/handler.ts'
import { handlers } from '../../src/broker/handlers/index.ts'
import { MetadataWriter } from '../../src/broker/metadata-writer.ts'
import { Meters } from '../../src/broker/meters.ts'
import type { Peer } from '../../src/broker/peer.ts'
import { Quotas } from '../../src/broker/quotas/quotas.ts'
import { TopicAdmin } from '../../src/broker/topics/topics.ts'
import { Writer } from '../../src/protocol/bytes/writer.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/message.ts'
import type { Api, DecodedOf, EncodableOf } from '../../src/protocol/schema.ts'
import { createSettings } from '../../src/settings/settings.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { ConfigResourceType, type TopicImage } from '../../src/storage/metadata-store.ts'
import { type LogLine, recordingLogger } from '../server/toy.ts'
import { EngineFixture, NOW_MS } from '../storage/engine-fixture.ts'
import { testPeer } from './test-peer.ts'

/** A broker over an engine in memory, without sockets: frames go in and come out. */
export async function startTestBroker(
  options: {
    settings?: Readonly<Record<string, string>>
    handlers?: readonly Handler[]
    /** An engine that is open already; it stays open when the broker closes. */
    fixture?: EngineFixture
  } = {},
) {
  const fixture =
    options.fixture ?? (await new EngineFixture(new MemoryFiles(() => NOW_MS), '/data').open())
  const { engine, clock, metadata } = fixture
  const settings = createSettings({ flag: new Map(Object.entries(options.settings ?? {})) })
  const timers = new TimerQueue(clock)
  const lines: LogLine[] = []
  registerBroker(metadata)
  const live = new LiveSettings({ settings, metadata, brokerId: 1 })
  const writer = new MetadataWriter(metadata)
  const loggers = rootLoggerLevels('INFO', () => {})
  const createTopic = (
    name: string,
    partitions = 1,
    overrides: Record<string, string> = {},
  ): TopicImage => {
    metadata.createTopic(name, randomUuid(), partitions)
    for (const [key, value] of Object.entries(overrides)) {
      const resourceType = ConfigResourceType.TOPIC
      const config = { resourceType, resourceName: name, name: key, value }
      metadata.commit([{ type: 'ConfigRecord', value: config }])
    }
    return metadata.image.topicsByName.get(name)!
  }
  const log = recordingLogger(lines)
  const topics = new TopicAdmin({ metadata: writer, live })
  const parts = {
    brokerId: 1,
    presentedIds: [1],
    clusterId: engine.clusterId,
    engine,
    metadata: writer,
    settings,
    clock,
    timers,
    log,
    handlers: options.handlers ?? handlers,
    topics,
    configs: new ConfigAdmin({ metadata: writer, settings, brokerId: 1, loggers }),
    loggers,
    telemetry: new ClientTelemetry({
      image: () => metadata.image,
      maxBytes: () => settings.telemetryMaxBytes,
    }),
    meters: new Meters(),
    quotas: new Quotas(metadata, settings),
    fetchSessions: new FetchSessions(() => settings.maxIncrementalFetchSessionCacheSlots),
    fetches: new DelayedFetches(timers),
    producerIds: new ProducerIds(metadata, 1),
    nodes: ({ localAddress, localPort }: Peer) => [
      { brokerId: 1, host: localAddress, port: localPort, rack: null },
    ],
  }
  // Tests move the clock; nothing waits for sockets.
  const defer = (callback: () => void) => callback()
  const groups = new GroupService(parts, { defer })
  const transactions = new TransactionService({ ...parts, groups }, { defer })
  const broker: Broker = { ...parts, groups, transactions }
  await groups.start()
  await transactions.start()
  const dispatcher = new RequestDispatcher(broker)
  const peer = testPeer()
  let correlationId = 0
  function begin<A extends Api>(
    api: A,
    apiVersion: number,
    request: EncodableOf<A['request']>,
    clientId = 'test',
  ): Exchange {
    const header = { correlationId: ++correlationId, clientId }
    const bytes = Buffer.concat(encodeRequest(api, apiVersion, header, request).chunks)
    const exchange = dispatcher.dispatch(bytes, 4, bytes.byteLength, peer, clock.nowMs())
    // As a socket would with what it receives next.
    bytes.fill(0xff)
    return exchange
  }
  return {
    broker,
    clock,
    peer,
    lines,
    metadata,
    dispatcher,
    createTopic,
    begin,
    /** The decoded response, or how the request ended without one. */
    async ask<A extends Api>(
      api: A,
      apiVersion: number,
      request: EncodableOf<A['request']>,
      clientId?: string,
    ): Promise<DecodedOf<A['response']>> {
      const exchange = begin(api, apiVersion, request, clientId)
      await settled(exchange)
      return answerOf(api, apiVersion, exchange)
    },
    async close() {
      broker.fetches.stop()
      transactions.close()
      groups.close()
      timers.close()
      if (!options.fixture) await engine.close()
    },
  }
}

/** New partitions go to brokers that have registered. */
function registerBroker(metadata: EngineFixture['metadata']): void {
  metadata.commit([
    {
      type: 'RegisterBrokerRecord',
      value: {
        brokerId: 1,
        incarnationId: ZERO_UUID,
        brokerEpoch: 0,
        endPoints: [],
        features: [],
        rack: null,
        fenced: false,
      },
    },
  ])
}

export type TestBroker = Awaited<ReturnType<typeof startTestBroker>>

export async function settled(exchange: Exchange): Promise<void> {
  if (exchange.state !== 'pending') return
  await new Promise<void>((resolve) => {
    exchange.onChange = () => {
      if (exchange.state !== 'pending') resolve()
    }
  })
}

export function answerOf<A extends Api>(
  api: A,
  apiVersion: number,
  exchange: Exchange,
): DecodedOf<A['response']> {
  if (exchange.state !== 'ready') throw new Error(`${exchange.state}: ${exchange.failure}`)
  const writer = new Writer()
  exchange.encode(writer)
  // A copy: buffers go back to their pool once they are sent.
  const frame = Buffer.from(Buffer.concat(writer.take().chunks))
  exchange.sent()
  return decodeResponse(api, apiVersion, frame.subarray(4)).response
}
