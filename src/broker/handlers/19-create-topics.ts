import { CreateTopics } from '../../protocol/apis/19-create-topics.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { effectiveTopicConfigs } from '../configs/topic-config-sources.ts'
import { handler } from '../handler.ts'
import { mutationQuota } from '../quotas/mutation-quota.ts'
import { settled } from '../settled.ts'
import type { CreatedTopic } from '../topics/plan-topic.ts'
import type { Outcome } from '../topics/topics.ts'

/** From this version on clients know THROTTLING_QUOTA_EXCEEDED. */
const STRICT_SINCE = 6

/** Rules: admin-and-config.md section 2. */
export const createTopics = handler(
  CreateTopics,
  [0, 7],
  ({ topics, validateOnly }, context, broker) => {
    const quota = mutationQuota(context, broker, STRICT_SINCE)
    const created = broker.topics.create(topics, { validateOnly, charge: quota?.charge })
    return settled(created, (outcomes) => ({
      throttleTimeMs: quota?.throttleTimeMs ?? 0,
      topics: outcomes.map((outcome) => describe(outcome, broker)),
    }))
  },
  {
    errorResponse: ({ topics }, error) => ({
      topics: topics.map(({ name }) => ({ name, ...error, configs: [] })),
    }),
  },
)

function describe(
  { name, error, ...rest }: Outcome<CreatedTopic>,
  { settings }: Broker,
): ResponseOf<typeof CreateTopics>['topics'][number] {
  const created = 'value' in rest ? rest.value : undefined
  if (!created) {
    const errorCode = error?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR
    return { name, errorCode, errorMessage: error?.detail ?? null, configs: [] }
  }
  const { topicId, numPartitions, replicationFactor, configs } = created
  return {
    name,
    topicId,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    numPartitions,
    replicationFactor,
    configs: effectiveTopicConfigs(settings, configs).map((config) => ({
      ...config,
      readOnly: false,
      isSensitive: false,
    })),
  }
}
