import type { InterceptedCall } from '../../broker/interceptor.ts'
import type { Logger } from '../../broker/logger.ts'
import { settled } from '../../broker/settled.ts'
import type { ApiName } from '../api-name.ts'
import type { Answer } from '../faults/apply-fault.ts'
import { waitUntil } from '../wait-until.ts'
import { RequestEntry } from './request-entry.ts'

/** Which entries; all that is given must fit. */
export interface RequestMatch {
  readonly api?: ApiName | readonly ApiName[]
  readonly clientId?: string
  readonly connection?: number
}

/** Older entries go when there are more, or when they keep more bytes. */
const ENTRIES_MAX = 10_000
const BYTES_MAX = 64 * 1024 * 1024

/** What clients asked and were answered, decoded. It costs nothing until it is started. */
export class RequestJournal {
  readonly #changed: () => void
  #entries: RequestEntry[] = []
  #bytes = 0
  #count = 0
  #isKeeping = false
  #wasKeeping = false
  #log: Logger | undefined

  /** @internal */
  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** @internal Whether requests have to come by. */
  get isOn(): boolean {
    return this.#isKeeping || this.#log !== undefined
  }

  /** Writes every request with its answer to a log, one line each. Undefined: no more. */
  logTo(log: Logger | undefined): void {
    this.#log = log
    this.#changed()
  }

  /** Keeps all requests from now on. */
  start(): void {
    this.#isKeeping = true
    this.#wasKeeping = true
    this.#changed()
  }

  /** Keeps no more; what is there stays. */
  stop(): void {
    this.#isKeeping = false
    this.#changed()
  }

  clear(): void {
    this.#entries = []
    this.#bytes = 0
  }

  /**
   * Entries in the order in which they came, by what they are or by a function. Throws while
   * nothing was ever recorded, so that a test that expects no requests does not pass for that.
   */
  filter(match: RequestMatch | ((entry: RequestEntry) => boolean) = {}): RequestEntry[] {
    if (!this.#wasKeeping) {
      throw new Error(
        'requests are recorded after requests.start(), or with startBroker({ recordRequests: true })',
      )
    }
    return this.#entries.filter(typeof match === 'function' ? match : fits(match))
  }

  /** The first entry that fits and is answered, now or later. Rejects with `WaitError`. */
  waitFor(
    match: RequestMatch | ((entry: RequestEntry) => boolean),
    { timeoutMs = 5_000 }: { readonly timeoutMs?: number } = {},
  ): Promise<RequestEntry> {
    return waitUntil({
      timeoutMs,
      check: () => this.filter(match).find(({ outcome }) => outcome !== 'pending'),
      explain: () => `a request\n${this.#summary()}`,
    })
  }

  #summary(): string {
    if (this.#entries.length === 0) return 'there were no requests'
    return this.#entries
      .slice(-20)
      .map(({ number, api, apiVersion, clientId, outcome }) =>
        [number, `${api} v${apiVersion}`, clientId, outcome].join(' '),
      )
      .join('\n')
  }

  /** @internal */
  record(call: InterceptedCall, answer: () => Answer | Promise<Answer>): Answer | Promise<Answer> {
    const entry = new RequestEntry(++this.#count, call)
    const isKept = this.#isKeeping
    if (isKept) this.#entries.push(entry)
    return settled(answer(), (settledAnswer) => {
      entry.settle(settledAnswer)
      if (isKept) this.#makeRoom(entry)
      this.#log?.info(entry.toJSON(), 'request')
      return settledAnswer
    })
  }

  #makeRoom(latest: RequestEntry): void {
    this.#bytes += latest.sizeBytes
    while (this.#entries.length > ENTRIES_MAX || this.#bytes > BYTES_MAX) {
      this.#bytes -= this.#entries.shift()?.sizeBytes ?? this.#bytes
    }
  }
}

function fits({ api, clientId, connection }: RequestMatch): (entry: RequestEntry) => boolean {
  const apis: ReadonlySet<string> | undefined = api && new Set([api].flat())
  return (entry) =>
    (apis === undefined || apis.has(entry.api)) &&
    (clientId === undefined || clientId === entry.clientId) &&
    (connection === undefined || connection === entry.connection)
}
