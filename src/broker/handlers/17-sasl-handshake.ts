import { SaslHandshake } from '../../protocol/apis/17-sasl-handshake.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'

/** On a listener without SASL there is nothing to begin; the connection goes on as it is. */
export const saslHandshake = handler(SaslHandshake, [0, 1], () => ({
  errorCode: ErrorCode.ILLEGAL_SASL_STATE,
  mechanisms: [],
}))
