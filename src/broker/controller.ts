import type { Broker } from './broker.ts'
import { isUnfenced } from './registration.ts'

/**
 * The broker that clients are told is the controller: the one that leads the metadata log or, while
 * that is down, the first that is up. Each of them can do what a controller does.
 */
export function controllerId({ brokerId, presentedIds, engine }: Broker): number {
  if (presentedIds.length === 1) return brokerId
  const { image } = engine.metadata
  const { leaderId } = image.quorum
  const up = presentedIds.filter((id) => isUnfenced(image, id))
  return up.includes(leaderId) ? leaderId : (up[0] ?? brokerId)
}
