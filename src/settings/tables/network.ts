import { anything, atLeast, distinctNotEmpty } from '../allowed.ts'
import { dynamic, dynamicPerBroker, int, list, long, string, unused } from '../setting.ts'

/** Listeners, connections, and the limits of requests. */
export const networkSettings = {
  listeners: list(
    'PLAINTEXT://:9092',
    distinctNotEmpty,
    'high',
    'Addresses to listen on, as NAME://host:port; without a host, on every interface.',
    dynamicPerBroker,
  ),
  'advertised.listeners': list(
    null,
    distinctNotEmpty,
    'high',
    'Addresses told to clients, when they differ from those listened on.',
  ),
  'listener.security.protocol.map': string(
    'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    anything,
    'low',
    'Security protocol of each listener name, as NAME:PROTOCOL.',
    dynamicPerBroker,
  ),
  'socket.send.buffer.bytes': int(
    102400,
    anything,
    'high',
    'Send buffer of sockets; -1 leaves it to the operating system.',
  ),
  'socket.receive.buffer.bytes': int(
    102400,
    anything,
    'high',
    'Receive buffer of sockets; -1 leaves it to the operating system.',
  ),
  'socket.request.max.bytes': int(
    104857600,
    atLeast(1),
    'high',
    'Largest request that is accepted.',
  ),
  'socket.listen.backlog.size': int(
    50,
    atLeast(1),
    'medium',
    'Connections that may wait to be accepted.',
  ),
  'max.connections.per.ip': int(
    2147483647,
    atLeast(0),
    'medium',
    'Most connections from one address.',
    dynamic,
  ),
  'max.connections.per.ip.overrides': string(
    '',
    anything,
    'medium',
    'Limits for single hosts or addresses, as host:count, comma separated.',
    dynamic,
  ),
  'max.connections': int(
    2147483647,
    atLeast(0),
    'medium',
    'Most connections at a time; also per listener with its prefix.',
    dynamic,
  ),
  'max.connection.creation.rate': int(
    2147483647,
    atLeast(0),
    'medium',
    'Most new connections per second; also per listener with its prefix.',
    dynamic,
  ),
  'connections.max.idle.ms': long(
    600000,
    anything,
    'medium',
    'A connection without a request for this long is closed.',
  ),
  'connection.failed.authentication.delay.ms': int(
    100,
    atLeast(0),
    'low',
    'Wait before a connection that failed to authenticate is closed.',
  ),
  'queued.max.requests': int(
    500,
    atLeast(1),
    'high',
    'Requests that may wait for a handler before reading stops.',
  ),
  'queued.max.request.bytes': long(
    -1,
    anything,
    'medium',
    'Bytes of requests that may wait or be in work; -1 means no limit.',
  ),
  'num.network.threads': int(
    3,
    atLeast(1),
    'high',
    'Threads that read requests and write answers, per listener.',
    dynamic,
    unused,
  ),
}
