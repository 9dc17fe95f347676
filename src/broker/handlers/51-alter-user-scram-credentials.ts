import { AlterUserScramCredentials } from '../../protocol/apis/51-alter-user-scram-credentials.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'
import { decideCredentials } from '../scram-credentials.ts'
import { settled } from '../settled.ts'

/** Rules: admin-and-config.md section 10. */
export const alterUserScramCredentials = handler(
  AlterUserScramCredentials,
  [0, 0],
  ({ deletions, upsertions }, _context, { metadata }) =>
    settled(
      metadata.update((image) => decideCredentials(image, deletions, upsertions)),
      (outcomes) => ({
        throttleTimeMs: 0,
        results: outcomes.map(({ user, error }) => ({
          user,
          errorCode: error?.errorCode ?? ErrorCode.NONE,
          errorMessage: error?.detail ?? null,
        })),
      }),
    ),
  {
    errorResponse: ({ deletions, upsertions }, error) => ({
      throttleTimeMs: 0,
      results: [...deletions, ...upsertions].map(({ name }) => ({ user: name, ...error })),
    }),
  },
)
