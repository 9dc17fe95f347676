import type { Uuid } from '../../base/uuid.ts'
import { logConfig } from '../../settings/log-config.ts'
import type { Settings } from '../../settings/settings.ts'
import {
  overrideTopicConfig,
  resolveTopicConfig,
  type TopicConfig,
} from '../../settings/topic-settings.ts'
import type { LogConfig } from '../../storage/engine.ts'
import {
  ConfigResourceType,
  type MetadataStore,
  type ReplayedRecord,
  type TopicImage,
} from '../../storage/metadata-store.ts'

interface CachedTopic {
  /** What it was made from: another map means that the topic's configs have changed. */
  readonly overrides: ReadonlyMap<string, string>
  readonly topic: TopicConfig
  readonly log: LogConfig
}

/**
 * Keeps a broker's settings in step with what AlterConfigs has stored, and the effective configs of
 * topics at hand until something that decides them changes. Asking is enough to be up to date: a
 * store may ask while it tells its subscribers of the change, in whatever order.
 */
export class LiveSettings {
  readonly settings: Settings
  readonly #brokerId: number
  readonly #metadata: MetadataStore
  readonly #topics = new Map<Uuid, CachedTopic>()
  /** Of a topic without configs of its own. */
  #defaults: { readonly topic: TopicConfig; readonly log: LogConfig } | undefined
  #ownConfigs: ReadonlyMap<string, string> | undefined
  #defaultConfigs: ReadonlyMap<string, string> | undefined
  readonly #unsubscribe: () => void

  constructor(options: { settings: Settings; metadata: MetadataStore; brokerId: number }) {
    this.settings = options.settings
    this.#metadata = options.metadata
    this.#brokerId = options.brokerId
    this.#takeBrokerConfigs()
    this.#unsubscribe = options.metadata.subscribe((records) => this.#onCommit(records))
  }

  /** Every config of a topic with what holds for it now. */
  topicConfig(topic: Pick<TopicImage, 'topicId' | 'name'>): TopicConfig {
    return this.#cached(topic).topic
  }

  /** What the log of a topic goes by; a topic that is gone has the defaults. */
  logConfig(topicId: Uuid): LogConfig {
    const topic = this.#metadata.image.topicsById.get(topicId)
    if (topic) return this.#cached(topic).log
    this.#takeBrokerConfigs()
    return this.#defaultConfig().log
  }

  close(): void {
    this.#unsubscribe()
  }

  #cached({ topicId, name }: Pick<TopicImage, 'topicId' | 'name'>): CachedTopic {
    this.#takeBrokerConfigs()
    const overrides = this.#metadata.image.configs(ConfigResourceType.TOPIC, name)
    let cached = this.#topics.get(topicId)
    if (cached?.overrides !== overrides) {
      const defaults = this.#defaultConfig()
      const topic = overrideTopicConfig(defaults.topic, overrides)
      cached = { overrides, topic, log: topic === defaults.topic ? defaults.log : logConfig(topic) }
      this.#topics.set(topicId, cached)
    }
    return cached
  }

  #defaultConfig(): { readonly topic: TopicConfig; readonly log: LogConfig } {
    if (!this.#defaults) {
      const topic = resolveTopicConfig(this.settings, new Map())
      this.#defaults = { topic, log: logConfig(topic) }
    }
    return this.#defaults
  }

  #onCommit(records: readonly ReplayedRecord[]): void {
    this.#takeBrokerConfigs()
    for (const { type, value } of records) {
      if (type === 'RemoveTopicRecord') this.#topics.delete(value.topicId)
    }
  }

  #takeBrokerConfigs(): void {
    const { image } = this.#metadata
    const defaults = image.configs(ConfigResourceType.BROKER, '')
    const own = image.configs(ConfigResourceType.BROKER, String(this.#brokerId))
    if (defaults === this.#defaultConfigs && own === this.#ownConfigs) return
    this.#defaultConfigs = defaults
    this.#ownConfigs = own
    this.#topics.clear()
    this.#defaults = undefined
    this.settings.setDynamic('dynamic-default', defaults)
    this.settings.setDynamic('dynamic', own)
  }
}
