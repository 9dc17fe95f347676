import type { Uuid } from '../base/uuid.ts'

/** What went through one topic. Plain numbers: counting must cost next to nothing. */
export class TopicMeter {
  messagesIn = 0
  bytesIn = 0
  bytesOut = 0
  produceRequests = 0
  failedProduceRequests = 0
  fetchRequests = 0
  failedFetchRequests = 0
}

/** API keys are below this. */
const API_KEYS = 128

/** What a broker has done since its start; the rest of its metrics is read when they are asked for. */
export class Meters {
  /** By API key. */
  readonly requests: number[] = new Array(API_KEYS).fill(0)
  /** By API key, of requests that waited for something; the others take less than 1 ms. */
  readonly requestTimeMs: number[] = new Array(API_KEYS).fill(0)
  /** Also of topics that are gone. */
  readonly all = new TopicMeter()
  readonly #topics = new Map<Uuid, TopicMeter>()

  topic(topicId: Uuid): TopicMeter {
    let meter = this.#topics.get(topicId)
    if (!meter) {
      meter = new TopicMeter()
      this.#topics.set(topicId, meter)
    }
    return meter
  }

  /** Those of topics that are there; the others are forgotten. */
  topics(isThere: (topicId: Uuid) => boolean): ReadonlyMap<Uuid, TopicMeter> {
    for (const topicId of this.#topics.keys()) {
      if (!isThere(topicId)) this.#topics.delete(topicId)
    }
    return this.#topics
  }

  produced(topicId: Uuid, messages: number, bytes: number): void {
    const topic = this.topic(topicId)
    topic.produceRequests++
    topic.messagesIn += messages
    topic.bytesIn += bytes
    this.all.produceRequests++
    this.all.messagesIn += messages
    this.all.bytesIn += bytes
  }

  produceFailed(topicId: Uuid): void {
    const topic = this.topic(topicId)
    topic.produceRequests++
    topic.failedProduceRequests++
    this.all.produceRequests++
    this.all.failedProduceRequests++
  }

  fetched(topicId: Uuid, bytes: number, failed: boolean): void {
    const topic = this.topic(topicId)
    topic.fetchRequests++
    topic.bytesOut += bytes
    this.all.fetchRequests++
    this.all.bytesOut += bytes
    if (!failed) return
    topic.failedFetchRequests++
    this.all.failedFetchRequests++
  }
}
