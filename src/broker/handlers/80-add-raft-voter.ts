import { ZERO_UUID } from '../../base/uuid.ts'
import { AddRaftVoter } from '../../protocol/apis/80-add-raft-voter.ts'
import { KafkaError } from '../../protocol/error-code.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { handler } from '../handler.ts'
import { requireCluster } from '../quorum-voters.ts'

/** The metadata log has one voter and stays so. Rules: admin-and-config.md section 9. */
export const addRaftVoter = handler(
  AddRaftVoter,
  [0, 1],
  ({ clusterId, voterId, voterDirectoryId, listeners }, _context, broker) => {
    requireCluster(clusterId, broker.clusterId)
    if (voterId < 0 || voterDirectoryId === ZERO_UUID) {
      throw new KafkaError('INVALID_REQUEST', "Add voter request didn't include a valid voter")
    }
    const [name = ''] = broker.settings.controllerListenerNames
    if (!listeners.some((listener) => listener.name.toUpperCase() === name.toUpperCase())) {
      throw new KafkaError('INVALID_REQUEST', withoutEndpoint(listeners, name))
    }
    throw new KafkaError('UNSUPPORTED_VERSION', 'The quorum of dohle has one voter: itself.')
  },
  { errorResponse: (_, error) => ({ throttleTimeMs: 0, ...error }) },
)

type Listener = RequestOf<typeof AddRaftVoter>['listeners'][number]

function withoutEndpoint(listeners: readonly Listener[], name: string): string {
  const endpoints = listeners.map(
    (one) => `ListenerName(${one.name.toUpperCase()})=${one.host}/<unresolved>:${one.port}`,
  )
  return (
    `Add voter request didn't include the endpoint (Endpoints(endpoints={${endpoints.join(', ')}})) ` +
    `for the default listener ListenerName(${name})`
  )
}
