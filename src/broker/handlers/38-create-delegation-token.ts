import { CreateDelegationToken } from '../../protocol/apis/38-create-delegation-token.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'
import { splitPrincipal } from '../principal.ts'

/**
 * Every listener is PLAINTEXT, where tokens may not be asked for. Rules: admin-and-config.md
 * section 10.
 */
export const createDelegationToken = handler(CreateDelegationToken, [0, 3], (_, { peer }) => {
  const { type, name } = splitPrincipal(peer.principal)
  return {
    errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
    principalType: type,
    principalName: name,
    tokenRequesterPrincipalType: type,
    tokenRequesterPrincipalName: name,
    issueTimestampMs: -1,
    expiryTimestampMs: -1,
    maxTimestampMs: -1,
    tokenId: '',
    hmac: Buffer.alloc(0),
    throttleTimeMs: 0,
  }
})
