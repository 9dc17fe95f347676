import { DescribeAcls } from '../../protocol/apis/29-describe-acls.ts'
import { KafkaError } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'

/** There is no authorizer, so there are no ACLs. Rules: admin-and-config.md section 10. */
export const describeAcls = handler(
  DescribeAcls,
  [0, 3],
  () => {
    throw new KafkaError('SECURITY_DISABLED', 'No Authorizer is configured on the broker')
  },
  { errorResponse: (_, error) => ({ throttleTimeMs: 0, ...error, resources: [] }) },
)
