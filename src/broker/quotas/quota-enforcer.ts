import { KafkaError } from '../../protocol/error-code.ts'
import type { ClientQuotaImage } from '../../storage/metadata-store.ts'
import { type Caller, QuotaLimits } from './quota-limits.ts'
import { type QuotaWindows, SampledRate } from './sampled-rate.ts'
import { Sensors } from './sensors.ts'
import { TokenBucket } from './token-bucket.ts'

/** Both addresses that a connection over loopback may come from. */
const LOCALHOST = ['127.0.0.1', '::1']

/**
 * Measures what clients do where a quota is set, and tells how long they have to wait: rules of
 * fetch-and-network.md section 8. Time comes as an argument. Waiting times are in milliseconds; 0
 * means that there is room.
 */
export class QuotaEnforcer {
  readonly #clientWindows: QuotaWindows
  readonly #controllerWindows: QuotaWindows
  readonly #produced: Sensors<SampledRate>
  readonly #fetched: Sensors<SampledRate>
  readonly #busy: Sensors<SampledRate>
  readonly #mutated: Sensors<TokenBucket>
  readonly #connected: Sensors<SampledRate>
  #producerByteRate = new QuotaLimits('producer_byte_rate', [])
  #consumerByteRate = new QuotaLimits('consumer_byte_rate', [])
  #requestPercentage = new QuotaLimits('request_percentage', [])
  #mutationRate = new QuotaLimits('controller_mutation_rate', [])
  /** By address; null is any other. */
  #connectionRate: ReadonlyMap<string | null, number> = new Map()

  constructor(windows: { readonly client: QuotaWindows; readonly controller: QuotaWindows }) {
    this.#clientWindows = windows.client
    this.#controllerWindows = windows.controller
    const rates = () => new Sensors(() => new SampledRate(), windows.client)
    this.#produced = rates()
    this.#fetched = rates()
    this.#busy = rates()
    this.#connected = rates()
    this.#mutated = new Sensors(() => new TokenBucket(), windows.controller)
  }

  /** New limits hold at once; what was measured stays. */
  setQuotas(quotas: readonly ClientQuotaImage[]): void {
    this.#producerByteRate = new QuotaLimits('producer_byte_rate', quotas)
    this.#consumerByteRate = new QuotaLimits('consumer_byte_rate', quotas)
    this.#requestPercentage = new QuotaLimits('request_percentage', quotas)
    this.#mutationRate = new QuotaLimits('controller_mutation_rate', quotas)
    this.#connectionRate = connectionRates(quotas)
  }

  /** `bytes` is the size of the whole Produce request. */
  produced(caller: Caller, bytes: number, nowMs: number): number {
    const found = this.#producerByteRate.find(caller)
    if (!found) return 0
    const sensor = this.#produced.of(found, nowMs)
    return sensor.recordAndThrottle(bytes, found.limit, nowMs, this.#clientWindows)
  }

  get measuresFetches(): boolean {
    return !this.#consumerByteRate.isEmpty
  }

  /**
   * A Fetch that has to wait is answered without its `bytes`, which then do not count.
   * `otherwiseMs` is how long it has to wait for other reasons.
   */
  fetched(caller: Caller, bytes: number, nowMs: number, otherwiseMs = 0): number {
    const found = this.#consumerByteRate.find(caller)
    if (!found) return otherwiseMs
    const sensor = this.#fetched.of(found, nowMs)
    const overMs = sensor.recordAndThrottle(bytes, found.limit, nowMs, this.#clientWindows)
    const throttleMs = Math.max(overMs, otherwiseMs)
    if (throttleMs > 0) sensor.record(-bytes, nowMs, this.#clientWindows)
    return throttleMs
  }

  /** Most bytes that a Fetch may ask for: more could never be sent at the rate. */
  fetchBytesMax(caller: Caller): number {
    const found = this.#consumerByteRate.find(caller)
    if (!found) return Number.POSITIVE_INFINITY
    const { count, sizeMs } = this.#clientWindows
    return Math.max(1, Math.trunc((found.limit * (count - 1) * sizeMs) / 1000))
  }

  /** `busyMs`: time of the thread; 100 % are all of it. Nobody waits longer than one window. */
  handled(caller: Caller, busyMs: number, nowMs: number): number {
    const found = this.#requestPercentage.find(caller)
    if (!found) return 0
    const percent = busyMs / 10
    const sensor = this.#busy.of(found, nowMs)
    const throttleMs = sensor.recordAndThrottle(percent, found.limit, nowMs, this.#clientWindows)
    return Math.min(throttleMs, this.#clientWindows.sizeMs)
  }

  /** Time that was spent after the answer was decided: it counts for the next one. */
  wrote(caller: Caller, busyMs: number, nowMs: number): void {
    const found = this.#requestPercentage.find(caller)
    if (found) this.#busy.of(found, nowMs).record(busyMs / 10, nowMs, this.#clientWindows)
  }

  /** Undefined when there is no limit. */
  mutations(caller: Caller, isStrict: boolean, nowMs: number): MutationQuota | undefined {
    const found = this.#mutationRate.find(caller)
    if (!found || found.limit === Number.POSITIVE_INFINITY) return undefined
    const bucket = this.#mutated.of(found, nowMs)
    return new MutationQuota(bucket, found.limit, isStrict, nowMs, this.#controllerWindows)
  }

  /** A connection that has to wait is closed after it, and does not count. */
  connected(address: string, nowMs: number): number {
    const limit = this.#connectionRate.get(address) ?? this.#connectionRate.get(null)
    if (limit === undefined) return 0
    const sensor = this.#connected.of({ user: undefined, clientId: address }, nowMs)
    const throttleMs = sensor.recordAndThrottle(1, limit, nowMs, this.#clientWindows)
    if (throttleMs > 0) sensor.record(-1, nowMs, this.#clientWindows)
    return Math.min(throttleMs, this.#clientWindows.sizeMs)
  }
}

function connectionRates(quotas: readonly ClientQuotaImage[]): Map<string | null, number> {
  const rates = new Map<string | null, number>()
  for (const { entity, values } of quotas) {
    const limit = values.get('connection_creation_rate')
    const ip = entity.get('ip')
    if (limit === undefined || ip === undefined) continue
    for (const address of ip === 'localhost' ? LOCALHOST : [ip]) rates.set(address, limit)
  }
  return rates
}

/** The changes of partitions that one request makes. */
export class MutationQuota {
  throttleTimeMs = 0
  readonly #bucket: TokenBucket
  readonly #limit: number
  readonly #isStrict: boolean
  readonly #nowMs: number
  readonly #windows: QuotaWindows

  constructor(
    bucket: TokenBucket,
    limit: number,
    isStrict: boolean,
    nowMs: number,
    windows: QuotaWindows,
  ) {
    this.#bucket = bucket
    this.#limit = limit
    this.#isStrict = isStrict
    this.#nowMs = nowMs
    this.#windows = windows
  }

  /**
   * Throws THROTTLING_QUOTA_EXCEEDED when there is no room and the client knows that error; older
   * clients are served, and wait afterwards.
   */
  readonly charge = (partitions: number): void => {
    if (this.#isExceeded() && this.#isStrict) throw new KafkaError('THROTTLING_QUOTA_EXCEEDED')
    this.#bucket.take(partitions)
    if (!this.#isStrict) this.#isExceeded()
  }

  #isExceeded(): boolean {
    const tokens = this.#bucket.tokens(this.#limit, this.#nowMs, this.#windows)
    if (tokens >= 0) return false
    this.throttleTimeMs = Math.round((-tokens / this.#limit) * 1000)
    return true
  }
}
