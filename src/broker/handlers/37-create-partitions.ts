import { CreatePartitions } from '../../protocol/apis/37-create-partitions.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'
import { mutationQuota } from '../quotas/mutation-quota.ts'
import { settled } from '../settled.ts'

/** From this version on clients know THROTTLING_QUOTA_EXCEEDED. */
const STRICT_SINCE = 3

/** Rules: admin-and-config.md section 2. */
export const createPartitions = handler(
  CreatePartitions,
  [0, 3],
  ({ topics, validateOnly }, context, broker) => {
    const quota = mutationQuota(context, broker, STRICT_SINCE)
    const { charge } = quota ?? {}
    return settled(
      broker.topics.createPartitions(topics, { validateOnly, charge }),
      (outcomes) => ({
        throttleTimeMs: quota?.throttleTimeMs ?? 0,
        results: outcomes.map(({ name, error }) => ({
          name,
          errorCode: error?.errorCode ?? ErrorCode.NONE,
          errorMessage: error?.detail ?? null,
        })),
      }),
    )
  },
  {
    errorResponse: ({ topics }, error) => ({
      throttleTimeMs: 0,
      results: topics.map(({ name }) => ({ name, ...error })),
    }),
  },
)
