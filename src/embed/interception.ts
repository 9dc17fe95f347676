import type { InterceptedCall, Interceptor } from '../broker/interceptor.ts'
import type { RunningBroker } from '../server/run-broker.ts'
import type { Answer } from './faults/apply-fault.ts'
import { Faults } from './faults/faults.ts'
import type { FullFiles } from './faults/full-files.ts'
import { RequestJournal } from './requests/request-journal.ts'

/** What stands between clients and handlers, and nothing while nobody asked for it. */
export class Interception implements Interceptor {
  readonly faults: Faults
  readonly requests: RequestJournal
  readonly #running: RunningBroker

  constructor(running: RunningBroker, disk: FullFiles) {
    this.#running = running
    const changed = () => this.#refresh()
    this.faults = new Faults(running, disk, changed)
    this.requests = new RequestJournal(changed)
  }

  intercept(call: InterceptedCall): Answer | Promise<Answer> {
    if (!this.requests.isOn) return this.#answer(call)
    return this.requests.record(call, () => this.#answer(call))
  }

  #answer(call: InterceptedCall): Answer | Promise<Answer> {
    return this.faults.isActive ? this.faults.answer(call) : call.handle()
  }

  #refresh(): void {
    this.#running.interceptor = this.faults.isActive || this.requests.isOn ? this : undefined
  }
}
