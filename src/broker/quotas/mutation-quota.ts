import type { Broker } from '../broker.ts'
import type { RequestContext } from '../handler.ts'
import { callerOf } from './caller.ts'
import type { MutationQuota } from './quota-enforcer.ts'

/** What a request that changes topics counts against; undefined when that has no limit. */
export function mutationQuota(
  context: RequestContext,
  { quotas, clock }: Broker,
  strictSince: number,
): MutationQuota | undefined {
  const isStrict = context.apiVersion >= strictSince
  return quotas.active?.mutations(callerOf(context), isStrict, clock.nowMs())
}
