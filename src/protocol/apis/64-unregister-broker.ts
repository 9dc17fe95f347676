import { api, int16, int32, nullableString } from '../schema.ts'

/** Removes a broker's registration (KIP-631). */
export const UnregisterBroker = api({
  key: 64,
  name: 'UnregisterBroker',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    brokerId: int32(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
  },
})
