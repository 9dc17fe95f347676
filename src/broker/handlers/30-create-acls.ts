import { CreateAcls } from '../../protocol/apis/30-create-acls.ts'
import { KafkaError } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'

/** There is no authorizer, so there are no ACLs. Rules: admin-and-config.md section 10. */
export const createAcls = handler(
  CreateAcls,
  [0, 3],
  () => {
    throw new KafkaError('SECURITY_DISABLED', 'No Authorizer is configured.')
  },
  {
    errorResponse: ({ creations }, error) => ({
      throttleTimeMs: 0,
      results: creations.map(() => error),
    }),
  },
)
