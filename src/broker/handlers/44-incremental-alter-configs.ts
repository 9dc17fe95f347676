import { IncrementalAlterConfigs } from '../../protocol/apis/44-incremental-alter-configs.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'
import { settled } from '../settled.ts'

/** Rules: admin-and-config.md section 3. */
export const incrementalAlterConfigs = handler(
  IncrementalAlterConfigs,
  [0, 1],
  ({ resources, validateOnly }, _context, { configs }) =>
    settled(configs.alter(resources, { validateOnly }), (altered) => ({
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
