import { randomUUID } from 'node:crypto'
import { formatUuid, randomUuid } from '../../base/uuid.ts'
import type { Client, GroupContext } from '../../coordinator/group/group-context.ts'
import { GroupCoordinator } from '../../coordinator/group/group-coordinator.ts'
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
} from '../../coordinator/group/group-records.ts'
import { type GroupConfig, resolveGroupConfig } from '../../settings/group-settings.ts'
import { ConfigResourceType } from '../../storage/metadata-store.ts'
import type { RequestContext } from '../handler.ts'
import { hostText } from '../host-text.ts'
import { type CoordinatorBroker, CoordinatorTopic } from './coordinator-topic.ts'
import { GroupTopicsView } from './group-topics-view.ts'

export interface GroupServiceOptions {
  /** For tests. */
  readonly defer?: (callback: () => void) => void
  /** For tests: makes member ids. */
  readonly randomId?: () => string
}

/** The groups that this broker coordinates, by their partition of `__consumer_offsets`. */
export class GroupService extends CoordinatorTopic<GroupCoordinator, GroupRecord> {
  readonly #broker: CoordinatorBroker
  readonly #topics: GroupTopicsView
  #unfollow: (() => void) | undefined

  constructor(broker: CoordinatorBroker, options: GroupServiceOptions = {}) {
    const { engine, settings } = broker
    const topics = new GroupTopicsView(engine.metadata)
    const context: GroupContext = {
      settings,
      topics,
      groupConfig: cachedGroupConfigs(broker),
      randomId: options.randomId ?? randomUUID,
      randomUuidText: options.randomId ?? (() => formatUuid(randomUuid())),
    }
    super(broker, {
      store: engine.groups,
      create: () => new GroupCoordinator(context),
      encode: encodeGroupRecord,
      decode: decodeGroupRecord,
      topicsDeleted: (coordinator, deleted) => coordinator.topicsDeleted(deleted),
      ...(options.defer && { defer: options.defer }),
    })
    this.#broker = broker
    this.#topics = topics
  }

  override async start(): Promise<void> {
    this.#unfollow = this.#topics.follow()
    await super.start()
  }

  override close(): void {
    this.#unfollow?.()
    super.close()
  }

  /** Whether members may use the consumer protocol: it takes the feature and the setting. */
  get allowsConsumerProtocol(): boolean {
    const { engine, settings } = this.#broker
    const level = engine.metadata.image.features.get('group.version') ?? 0
    const protocols = settings.groupCoordinatorRebalanceProtocols
    return level > 0 && protocols.some((name) => name.toLowerCase() === 'consumer')
  }
}

/** Resolved once between changes of the metadata, where all dynamic configs are. */
function cachedGroupConfigs({ engine, settings }: CoordinatorBroker) {
  const configs = new Map<string, GroupConfig>()
  let version = -1
  return (groupId: string): GroupConfig => {
    const { image } = engine.metadata
    if (image.offset !== version) configs.clear()
    version = image.offset
    let config = configs.get(groupId)
    if (!config) {
      const overrides = image.configs(ConfigResourceType.GROUP, groupId)
      config = resolveGroupConfig(settings, overrides)
      configs.set(groupId, config)
    }
    return config
  }
}

export function clientOf(context: RequestContext): Client {
  const { apiVersion, clientId, peer } = context
  return { apiVersion, clientId, clientHost: `/${hostText(peer.address)}` }
}
