import { anything, atLeast, between, oneOf } from '../allowed.ts'
import { boolean, int, list, string, unused } from '../setting.ts'

/** Most brokers that one process presents. */
export const BROKERS_MAX = 32

/** Settings that Kafka does not have. Never shown to clients. */
export const dohleSettings = {
  'dohle.mode': string(
    'dev',
    oneOf('dev', 'prod'),
    'high',
    'Which defaults hold: dev for one machine and CI, prod for production.',
  ),
  'dohle.durability': string(
    'os',
    oneOf('os', 'interval', 'sync'),
    'high',
    'What an acknowledgement promises: os, the bytes are with the operating system; interval, ' +
      'and on disk within dohle.durability.interval.ms; sync, and on disk now.',
  ),
  'dohle.durability.interval.ms': int(
    1000,
    atLeast(1),
    'medium',
    'Longest time between writing to a file and flushing it to disk, with durability interval.',
  ),
  'dohle.memory': boolean(false, anything, 'high', 'Keep everything in memory, nothing on disk.'),
  'dohle.http.listener': string(
    null,
    anything,
    'medium',
    'Where /livez, /readyz and /metrics are served, as PORT on loopback or HOST:PORT; unset: nowhere.',
  ),
  'dohle.brokers': int(
    1,
    between(1, BROKERS_MAX),
    'medium',
    'Brokers that this process presents, with the node ids and the ports from the first on.',
  ),
  'dohle.topics': list('', anything, 'medium', 'Topics to create at start, as name:partitions.'),
  'dohle.insecure': boolean(
    false,
    anything,
    'high',
    'Allow a listener that other machines reach without TLS or SASL.',
  ),
  'dohle.topics.max': int(10_000, atLeast(1), 'medium', 'Most topics that may exist.'),
  'dohle.partitions.max': int(100_000, atLeast(1), 'medium', 'Most partitions that may exist.'),
  'dohle.connections.per.ip.rate.max': int(
    2147483647,
    atLeast(1),
    'medium',
    'Most new connections per second from one address.',
    unused,
  ),
  'dohle.login.timeout.ms': int(
    10_000,
    atLeast(1),
    'medium',
    'How long a client may take to authenticate.',
    unused,
  ),
  'dohle.tls.handshake.timeout.ms': int(
    10_000,
    atLeast(1),
    'medium',
    'How long a TLS handshake may take.',
    unused,
  ),
  'dohle.open.files.max': int(
    0,
    atLeast(0),
    'medium',
    'Most files of logs that are kept open at a time; others are opened when they are used. 0: half of what the process may open, at most 20,000.',
  ),
  'dohle.producer.ids.max': int(
    100_000,
    atLeast(1),
    'medium',
    'Most producer ids that are remembered.',
  ),
  'dohle.group.bytes.max': int(
    1_048_576,
    atLeast(1024),
    'medium',
    'Most bytes of the metadata of all members of a group.',
  ),
}
