import { SaslAuthenticate } from '../../protocol/apis/36-sasl-authenticate.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'

/** As SaslHandshake: without SASL a client counts as authenticated from the start. */
export const saslAuthenticate = handler(SaslAuthenticate, [0, 2], () => ({
  errorCode: ErrorCode.ILLEGAL_SASL_STATE,
  errorMessage: 'SaslAuthenticate request received after successful authentication',
  authBytes: Buffer.alloc(0),
}))
