import { AlterClientQuotas } from '../../protocol/apis/49-alter-client-quotas.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { decideQuotas } from '../client-quotas.ts'
import { handler } from '../handler.ts'
import { settled } from '../settled.ts'

/** Rules: admin-and-config.md section 10. */
export const alterClientQuotas = handler(
  AlterClientQuotas,
  [0, 1],
  ({ entries, validateOnly }, _context, { metadata }) =>
    settled(
      metadata.update((image) => decideQuotas(image, entries, validateOnly)),
      (altered) => ({
        throttleTimeMs: 0,
        entries: altered.map(({ entity, error }) => ({
          errorCode: error?.errorCode ?? ErrorCode.NONE,
          errorMessage: error?.detail ?? null,
          entity,
        })),
      }),
    ),
  {
    errorResponse: ({ entries }, error) => ({
      throttleTimeMs: 0,
      entries: entries.map(({ entity }) => ({ ...error, entity })),
    }),
  },
)
