/** A belief of ours that turned out wrong: a bug in dohle, never an answer to a client's bytes. */
export class AssertionError extends Error {
  override name = 'AssertionError'
}

export function assert(condition: boolean, belief: string): asserts condition {
  if (!condition) throw new AssertionError(`dohle bug: expected ${belief}`)
}
