import type { QuotaWindows } from './sampled-rate.ts'

/** Permits that grow by a rate and may go below zero once: Kafka's `TokenBucket` (KIP-599). */
export class TokenBucket {
  #tokens = 0
  #updatedMs = Number.NEGATIVE_INFINITY

  /** What is left; `limit` permits come per second, and as many windows of them are saved up. */
  tokens(limit: number, nowMs: number, { count, sizeMs }: QuotaWindows): number {
    const burst = (count * sizeMs * limit) / 1000
    const grown = this.#tokens + (limit * Math.max(0, nowMs - this.#updatedMs)) / 1000
    this.#tokens = Math.min(burst, grown)
    this.#updatedMs = nowMs
    return this.#tokens
  }

  take(permits: number): void {
    this.#tokens -= permits
  }

  /** It is full again, as a new one would be. */
  isIdle(nowMs: number, { count, sizeMs }: QuotaWindows): boolean {
    return this.#tokens >= 0 && nowMs - this.#updatedMs >= count * sizeMs
  }
}
