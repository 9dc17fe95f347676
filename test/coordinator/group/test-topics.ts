import type { Uuid } from '../../../src/base/uuid.ts'
import type { TopicsView, TopicView } from '../../../src/coordinator/group/group-context.ts'

/** Topics that tests make and change. Ids are names, padded, so that one can read them. */
export class TestTopics implements TopicsView {
  readonly #topics = new Map<string, TopicView>()
  version = 1
  newTopicVersion = 1

  /** 0 deletes it. */
  set(name: string, partitionCount: number, topicId = topicIdOf(name)): void {
    this.version++
    if (partitionCount === 0) this.#topics.delete(name)
    else {
      if (!this.#topics.has(name)) this.newTopicVersion = this.version
      this.#topics.set(name, { name, topicId, partitionCount })
    }
  }

  byName(name: string): TopicView | undefined {
    return this.#topics.get(name)
  }

  byId(topicId: Uuid): TopicView | undefined {
    return [...this.#topics.values()].find((topic) => topic.topicId === topicId)
  }

  names(): Iterable<string> {
    return this.#topics.keys()
  }
}

export function topicIdOf(name: string): Uuid {
  return name.padEnd(16, '.').slice(0, 16)
}
