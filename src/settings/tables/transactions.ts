import { anything, atLeast } from '../allowed.ts'
import { boolean, dynamic, int, internal, short, unused } from '../setting.ts'

/** Transactions and producer ids. */
export const transactionSettings = {
  'transaction.state.log.min.isr': int(
    2,
    atLeast(1),
    'high',
    'In-sync replicas that writes of transaction state need.',
  ),
  'transaction.state.log.load.buffer.size': int(
    5242880,
    atLeast(1),
    'high',
    'Bytes read at a time when transaction state is loaded.',
    unused,
  ),
  'transaction.state.log.replication.factor': short(
    3,
    atLeast(1),
    'high',
    'Replicas of the topic that holds transaction state.',
  ),
  'transaction.state.log.num.partitions': int(
    50,
    atLeast(1),
    'high',
    'Partitions of the topic that holds transaction state.',
  ),
  'transaction.state.log.segment.bytes': int(
    104857600,
    atLeast(1),
    'high',
    'Segment size of the topic that holds transaction state.',
  ),
  'transaction.partition.verification.enable': boolean(
    true,
    anything,
    'low',
    "Whether a produce request is checked against the coordinator's transaction.",
    dynamic,
  ),
  'producer.id.expiration.ms': int(
    86400000,
    atLeast(1),
    'low',
    'How long an idle producer id is remembered by a partition.',
    dynamic,
  ),
  'producer.id.expiration.check.interval.ms': int(
    600000,
    atLeast(1),
    'low',
    'Time between looks for producer ids to forget.',
    internal,
  ),
  'transactional.id.expiration.ms': int(
    604800000,
    atLeast(1),
    'high',
    'How long an idle transactional id is remembered.',
  ),
  'transaction.max.timeout.ms': int(
    900000,
    atLeast(1),
    'high',
    'Longest transaction timeout a producer may ask for.',
  ),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int(
    10000,
    atLeast(1),
    'low',
    'Time between looks for transactions that ran out of time.',
  ),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int(
    3600000,
    atLeast(1),
    'low',
    'Time between looks for transactional ids to forget.',
  ),
  'transaction.two.phase.commit.enable': boolean(
    false,
    anything,
    'low',
    'Whether transactions may be prepared for two-phase commit.',
  ),
  'add.partitions.to.txn.retry.backoff.max.ms': int(
    100,
    atLeast(0),
    'high',
    'How long adding a partition to a transaction is retried by the broker.',
  ),
  'add.partitions.to.txn.retry.backoff.ms': int(
    20,
    atLeast(1),
    'high',
    'Pause before adding a partition to a transaction is tried again.',
  ),
}
