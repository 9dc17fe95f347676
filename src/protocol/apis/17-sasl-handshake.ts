import { api, array, int16, string } from '../schema.ts'

/**
 * Chooses the SASL mechanism. After v0 the tokens follow as bare frames, after v1 as
 * SaslAuthenticate.
 */
export const SaslHandshake = api({
  key: 17,
  name: 'SaslHandshake',
  versions: [0, 1],
  request: {
    mechanism: string(),
  },
  response: {
    errorCode: int16(),
    mechanisms: array(string()),
  },
})
