import type { Peer } from '../peer.ts'
import type { Caller } from './quota-limits.ts'

/** Who a request is counted for. */
export function callerOf({
  peer: { principal },
  clientId,
}: {
  readonly peer: Peer
  readonly clientId: string
}): Caller {
  return { user: principal.slice(principal.indexOf(':') + 1), clientId }
}
