import { RenewDelegationToken } from '../../protocol/apis/39-renew-delegation-token.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'

/** Every listener is PLAINTEXT, where there are no tokens. Rules: admin-and-config.md section 10. */
export const renewDelegationToken = handler(RenewDelegationToken, [0, 2], () => ({
  errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
  expiryTimestampMs: -1,
  throttleTimeMs: 0,
}))
