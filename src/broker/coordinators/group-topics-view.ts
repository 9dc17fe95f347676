import type { Uuid } from '../../base/uuid.ts'
import type { TopicsView, TopicView } from '../../coordinator/group/group-context.ts'
import type { MetadataStore, TopicImage } from '../../storage/metadata-store.ts'

/** The topics of the metadata as groups look at them. */
export class GroupTopicsView implements TopicsView {
  readonly #metadata: MetadataStore
  #newTopicVersion = 0

  constructor(metadata: MetadataStore) {
    this.#metadata = metadata
  }

  /** Takes note of new topics from now on. Returns what stops that. */
  follow(): () => void {
    this.#newTopicVersion = this.version
    return this.#metadata.subscribe((records) => {
      if (records.some(({ type }) => type === 'TopicRecord')) this.#newTopicVersion = this.version
    })
  }

  get version(): number {
    return this.#metadata.image.offset
  }

  get newTopicVersion(): number {
    return this.#newTopicVersion
  }

  byName(name: string): TopicView | undefined {
    return viewOf(this.#metadata.image.topicsByName.get(name))
  }

  byId(topicId: Uuid): TopicView | undefined {
    return viewOf(this.#metadata.image.topicsById.get(topicId))
  }

  names(): Iterable<string> {
    return this.#metadata.image.topicsByName.keys()
  }
}

function viewOf(topic: TopicImage | undefined): TopicView | undefined {
  if (!topic) return undefined
  return { name: topic.name, topicId: topic.topicId, partitionCount: topic.partitions.length }
}
