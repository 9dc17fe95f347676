import { AddRaftVoter } from '../../protocol/apis/80-add-raft-voter.ts'
import { KafkaError } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'
import { requireCluster } from '../quorum-voters.ts'

/** The metadata log has one voter and stays so. Rules: admin-and-config.md section 9. */
export const addRaftVoter = handler(
  AddRaftVoter,
  [0, 1],
  ({ clusterId }, _context, broker) => {
    requireCluster(clusterId, broker.clusterId)
    throw new KafkaError('UNSUPPORTED_VERSION', 'The quorum of dohle has one voter: itself.')
  },
  { errorResponse: (_, error) => ({ throttleTimeMs: 0, ...error }) },
)
