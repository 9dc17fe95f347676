import { DescribeClientQuotas } from '../../protocol/apis/48-describe-client-quotas.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { findQuotas } from '../client-quotas.ts'
import { handler } from '../handler.ts'

/** Rules: admin-and-config.md section 10. */
export const describeClientQuotas = handler(
  DescribeClientQuotas,
  [0, 1],
  ({ components, strict }, _context, { engine }) => ({
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: '',
    entries: findQuotas(engine.metadata.image, components, strict).map(({ entity, values }) => ({
      entity: Array.from(entity, ([entityType, entityName]) => ({ entityType, entityName })),
      values: Array.from(values, ([key, value]) => ({ key, value })),
    })),
  }),
  { errorResponse: (_, error) => ({ throttleTimeMs: 0, ...error, entries: null }) },
)
