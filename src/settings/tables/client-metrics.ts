import { anything, distinct } from '../allowed.ts'
import { int, list } from '../setting.ts'

/** Configs of a subscription to the metrics of clients (KIP-714). */
export const clientMetricsTable = {
  metrics: list(
    '',
    distinct,
    'medium',
    'Prefixes of the metrics that clients push; * means all, nothing means none.',
  ),
  'interval.ms': int(300000, anything, 'medium', 'Time between the pushes of a client.'),
  match: list(
    '',
    distinct,
    'medium',
    'Clients that are meant, as key=pattern, comma separated; nothing means all.',
  ),
}
