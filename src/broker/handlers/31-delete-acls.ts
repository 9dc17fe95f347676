import { DeleteAcls } from '../../protocol/apis/31-delete-acls.ts'
import { KafkaError } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'

/** There is no authorizer, so there are no ACLs. Rules: admin-and-config.md section 10. */
export const deleteAcls = handler(
  DeleteAcls,
  [0, 3],
  () => {
    throw new KafkaError('SECURITY_DISABLED', 'No Authorizer is configured.')
  },
  {
    errorResponse: ({ filters }, error) => ({
      throttleTimeMs: 0,
      filterResults: filters.map(() => ({ ...error, matchingAcls: [] })),
    }),
  },
)
