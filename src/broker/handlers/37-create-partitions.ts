import { CreatePartitions } from '../../protocol/apis/37-create-partitions.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'
import { settled } from '../settled.ts'

/** Rules: admin-and-config.md section 2. */
export const createPartitions = handler(
  CreatePartitions,
  [0, 3],
  ({ topics, validateOnly }, _context, broker) =>
    settled(broker.topics.createPartitions(topics, { validateOnly }), (outcomes) => ({
      throttleTimeMs: 0,
      results: outcomes.map(({ name, error }) => ({
        name,
        errorCode: error?.errorCode ?? ErrorCode.NONE,
        errorMessage: error?.detail ?? null,
      })),
    })),
  {
    errorResponse: ({ topics }, error) => ({
      throttleTimeMs: 0,
      results: topics.map(({ name }) => ({ name, ...error })),
    }),
  },
)
