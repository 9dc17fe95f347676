import { randomBytes } from 'node:crypto'

/** Names that nobody else uses, on a broker that is shared. */
export interface IsolatedNames {
  /** What names begin with. */
  readonly prefix: string
  topic(name: string): string
  group(name: string): string
  transactionalId(name: string): string
}

/** Call it once per file, or in a test, whichever is to be on its own. */
export function isolatedNames(): IsolatedNames {
  const prefix = `t${randomBytes(4).toString('hex')}.`
  const prefixed = (name: string) => `${prefix}${name}`
  return { prefix, topic: prefixed, group: prefixed, transactionalId: prefixed }
}
