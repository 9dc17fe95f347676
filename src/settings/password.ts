import { inspect } from 'node:util'

/** What Kafka prints in place of a secret. */
const HIDDEN = '[hidden]'

/** A secret that does not print itself: not in text, JSON or a log line. */
export class Password {
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
  }

  /** The secret, for the one place that needs it. */
  reveal(): string {
    return this.#secret
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }
}
