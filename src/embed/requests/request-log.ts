import type { InterceptedCall, Interceptor } from '../../broker/interceptor.ts'
import type { Logger } from '../../broker/logger.ts'
import { settled } from '../../broker/settled.ts'
import type { Answer } from '../faults/apply-fault.ts'
import { RequestEntry } from './request-entry.ts'

/** Writes every request with its answer to the log: one line each, when it is answered. */
export class RequestLog implements Interceptor {
  readonly #log: Logger
  #count = 0

  constructor(log: Logger) {
    this.#log = log
  }

  intercept(call: InterceptedCall): Answer | Promise<Answer> {
    const entry = new RequestEntry(++this.#count, call)
    return settled(call.handle(), (answer) => {
      entry.settle(answer)
      this.#log.info(entry.toJSON(), 'request')
      return answer
    })
  }
}
