import { api, int16, int32, nullableString } from '../schema.ts'

/** Removes a controller's registration; of the 4.4 line. */
export const UnregisterController = api({
  key: 94,
  name: 'UnregisterController',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    controllerId: int32(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
  },
})
