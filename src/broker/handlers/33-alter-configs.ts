import { AlterConfigs } from '../../protocol/apis/33-alter-configs.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'
import { settled } from '../settled.ts'

/** Rules: admin-and-config.md section 3. */
export const alterConfigs = handler(
  AlterConfigs,
  [0, 2],
  ({ resources, validateOnly }, _context, { configs }) =>
    settled(configs.replace(resources, { validateOnly }), (altered) => ({
      throttleTimeMs: 0,
      responses: altered.map(({ error, ...resource }) => ({
        ...resource,
        errorCode: error?.errorCode ?? ErrorCode.NONE,
        errorMessage: error?.detail ?? null,
      })),
    })),
  {
    errorResponse: ({ resources }, error) => ({
      throttleTimeMs: 0,
      responses: resources.map(({ resourceType, resourceName }) => ({
        ...error,
        resourceType,
        resourceName,
      })),
    }),
  },
)
