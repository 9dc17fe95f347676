import { anything, atLeast } from '../allowed.ts'
import { boolean, dynamic, LONG_MAX, long, string, unused } from '../setting.ts'

/** Settings that Kafka leaves to its plugins: DescribeConfigs does not know them. */
export const pluginSettings = {
  'super.users': string(
    '',
    anything,
    'medium',
    'Principals that may do everything, separated by semicolons.',
    unused,
  ),
  'allow.everyone.if.no.acl.found': boolean(
    false,
    anything,
    'medium',
    'Whether a resource without any ACL is open to everyone.',
    unused,
  ),
}

/** Quotas of replication: not in Kafka's own table either, but known to DescribeConfigs when set. */
export const replicationQuotaSettings = {
  'leader.replication.throttled.rate': long(
    LONG_MAX,
    atLeast(0),
    'medium',
    'Most bytes per second sent for throttled replicas.',
    dynamic,
    unused,
  ),
  'follower.replication.throttled.rate': long(
    LONG_MAX,
    atLeast(0),
    'medium',
    'Most bytes per second fetched for throttled replicas.',
    dynamic,
    unused,
  ),
  'replica.alter.log.dirs.io.max.bytes.per.second': long(
    LONG_MAX,
    atLeast(0),
    'medium',
    'Most bytes per second copied between folders.',
    dynamic,
  ),
}
