import { anything, atLeast, offsetReset, oneOf } from '../allowed.ts'
import { boolean, int, string } from '../setting.ts'

/** Configs of one group. */
export const groupConfigTable = {
  'consumer.session.timeout.ms': int(
    45000,
    atLeast(1),
    'medium',
    'Session timeout of the consumer group.',
  ),
  'consumer.heartbeat.interval.ms': int(
    5000,
    atLeast(1),
    'medium',
    'Heartbeat interval of the consumer group.',
  ),
  'consumer.assignment.interval.ms': int(
    1000,
    atLeast(0),
    'medium',
    'Shortest time between two assignments of the consumer group.',
  ),
  'share.session.timeout.ms': int(
    45000,
    atLeast(1),
    'medium',
    'Session timeout of the share group.',
  ),
  'share.heartbeat.interval.ms': int(
    5000,
    atLeast(1),
    'medium',
    'Heartbeat interval of the share group.',
  ),
  'share.record.lock.duration.ms': int(
    30000,
    atLeast(1000),
    'medium',
    'How long an acquired record stays locked.',
  ),
  'share.delivery.count.limit': int(
    5,
    atLeast(2),
    'medium',
    'How often a record is delivered at most.',
  ),
  'share.partition.max.record.locks': int(
    2000,
    atLeast(100),
    'medium',
    'Most records of a partition that are in flight.',
  ),
  'share.auto.offset.reset': string(
    'latest',
    offsetReset,
    'medium',
    'Where the group begins in a partition it has not read: latest, earliest, or some time ago.',
  ),
  'share.isolation.level': string(
    'read_uncommitted',
    oneOf('read_committed', 'read_uncommitted'),
    'medium',
    'Whether the group sees records of transactions that are open or aborted.',
  ),
  'share.renew.acknowledge.enable': boolean(
    true,
    anything,
    'medium',
    'Whether members may renew their locks.',
  ),
  'share.assignment.interval.ms': int(
    1000,
    atLeast(0),
    'medium',
    'Shortest time between two assignments of the share group.',
  ),
  'streams.session.timeout.ms': int(
    45000,
    atLeast(1),
    'medium',
    'Session timeout of the streams group.',
  ),
  'streams.heartbeat.interval.ms': int(
    5000,
    atLeast(1),
    'medium',
    'Heartbeat interval of the streams group.',
  ),
  'streams.num.standby.replicas': int(0, atLeast(0), 'medium', 'Standby replicas of each task.'),
  'streams.initial.rebalance.delay.ms': int(
    3000,
    atLeast(0),
    'medium',
    'Wait for more members before the first assignment of a new group.',
  ),
  'streams.assignment.interval.ms': int(
    1000,
    atLeast(0),
    'medium',
    'Shortest time between two assignments of the streams group.',
  ),
}
