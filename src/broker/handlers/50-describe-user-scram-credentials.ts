import { DescribeUserScramCredentials } from '../../protocol/apis/50-describe-user-scram-credentials.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'
import { describeCredentials } from '../scram-credentials.ts'

/** Rules: admin-and-config.md section 10. */
export const describeUserScramCredentials = handler(
  DescribeUserScramCredentials,
  [0, 0],
  ({ users }, _context, { engine }) => {
    const names = users?.map(({ name }) => name) ?? null
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      errorMessage: '',
      results: describeCredentials(engine.metadata.image, names).map(
        ({ user, error, credentials }) => ({
          user,
          errorCode: error?.errorCode ?? ErrorCode.NONE,
          errorMessage: error?.detail ?? '',
          credentialInfos: credentials,
        }),
      ),
    }
  },
  { errorResponse: (_, error) => ({ throttleTimeMs: 0, ...error, results: [] }) },
)
