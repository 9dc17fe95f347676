import { ZERO_UUID } from '../../base/uuid.ts'
import { RemoveRaftVoter } from '../../protocol/apis/81-remove-raft-voter.ts'
import { KafkaError } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'
import { replicaKey, requireCluster } from '../quorum-voters.ts'

/** The only voter cannot go. Rules: admin-and-config.md section 9. */
export const removeRaftVoter = handler(
  RemoveRaftVoter,
  [0, 0],
  ({ clusterId, voterId, voterDirectoryId: directoryId }, _context, broker) => {
    requireCluster(clusterId, broker.clusterId)
    if (voterId < 0 || directoryId === ZERO_UUID) {
      const message = "Remove voter request didn't include a valid voter"
      throw new KafkaError('INVALID_REQUEST', message)
    }
    const { voters } = broker.engine.metadata.image.quorum
    const wanted = replicaKey({ voterId, directoryId })
    const keys = voters.map(replicaKey)
    const set = `[${keys.join(', ')}]`
    if (!keys.includes(wanted)) {
      const message = `Cannot remove voter ${wanted} from the set of voters ${set}`
      throw new KafkaError('VOTER_NOT_FOUND', message)
    }
    const message = `Cannot remove the only voter ${wanted} from the set of voters ${set}`
    throw new KafkaError('INVALID_REQUEST', message)
  },
  { errorResponse: (_, error) => ({ throttleTimeMs: 0, ...error }) },
)
