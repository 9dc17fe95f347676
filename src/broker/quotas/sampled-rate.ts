/** How many windows are looked at, and how long each is (quota.window.num, .size.seconds). */
export interface QuotaWindows {
  readonly count: number
  readonly sizeMs: number
}

interface Sample {
  startMs: number
  lastMs: number
  value: number
}

/** Longest time that a response can tell. */
const MAX_THROTTLE_MS = 2 ** 31 - 1

/**
 * What was recorded per second, over the last windows, as Kafka's `Rate` measures it: the elapsed
 * time counts as all windows but one, at least, so that the first bytes do not look like a flood.
 */
export class SampledRate {
  readonly #samples: Sample[] = []
  #current = 0

  record(value: number, nowMs: number, windows: QuotaWindows): void {
    let sample = this.#samples[this.#current]
    if (!sample) sample = this.#begin(nowMs)
    else if (nowMs - sample.startMs >= windows.sizeMs) {
      // One more than is looked at: the oldest may still overlap what is.
      this.#current = (this.#current + 1) % (windows.count + 1)
      sample = this.#begin(nowMs)
    }
    sample.value += value
    sample.lastMs = nowMs
  }

  #begin(nowMs: number): Sample {
    const sample = { startMs: nowMs, lastMs: nowMs, value: 0 }
    this.#samples[this.#current] = sample
    return sample
  }

  /** Per second. */
  measure(nowMs: number, windows: QuotaWindows): number {
    this.#dropObsolete(nowMs, windows)
    let sum = 0
    for (const { value } of this.#samples) sum += value
    return sum / (this.#elapsedMs(nowMs, windows) / 1000)
  }

  /** Records, and tells how long to wait until the rate is at `limit` again; 0 when it is not over. */
  recordAndThrottle(value: number, limit: number, nowMs: number, windows: QuotaWindows): number {
    this.record(value, nowMs, windows)
    const rate = this.measure(nowMs, windows)
    if (rate <= limit) return 0
    const throttleMs = Math.round(((rate - limit) / limit) * this.#elapsedMs(nowMs, windows))
    return Math.min(throttleMs, MAX_THROTTLE_MS)
  }

  /** Nothing that was recorded counts any more. */
  isIdle(nowMs: number, windows: QuotaWindows): boolean {
    const obsoleteMs = windows.count * windows.sizeMs
    return this.#samples.every(({ value, lastMs }) => value === 0 || nowMs - lastMs >= obsoleteMs)
  }

  #dropObsolete(nowMs: number, { count, sizeMs }: QuotaWindows): void {
    for (const sample of this.#samples) {
      if (nowMs - sample.lastMs < count * sizeMs) continue
      sample.startMs = nowMs
      sample.lastMs = nowMs
      sample.value = 0
    }
  }

  #elapsedMs(nowMs: number, { count, sizeMs }: QuotaWindows): number {
    let oldestMs = nowMs
    for (const { startMs } of this.#samples) oldestMs = Math.min(oldestMs, startMs)
    const elapsedMs = nowMs - oldestMs
    const missing = Math.max(0, count - 1 - Math.floor(elapsedMs / sizeMs))
    return elapsedMs + missing * sizeMs || 1
  }
}
