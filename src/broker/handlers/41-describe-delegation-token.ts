import { DescribeDelegationToken } from '../../protocol/apis/41-describe-delegation-token.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'

/** Every listener is PLAINTEXT, where there are no tokens. Rules: admin-and-config.md section 10. */
export const describeDelegationToken = handler(DescribeDelegationToken, [0, 3], () => ({
  errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
  tokens: [],
  throttleTimeMs: 0,
}))
