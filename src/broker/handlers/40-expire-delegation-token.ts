import { ExpireDelegationToken } from '../../protocol/apis/40-expire-delegation-token.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'

/** Every listener is PLAINTEXT, where there are no tokens. Rules: admin-and-config.md section 10. */
export const expireDelegationToken = handler(ExpireDelegationToken, [0, 2], () => ({
  errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
  expiryTimestampMs: -1,
  throttleTimeMs: 0,
}))
