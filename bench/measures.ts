/** What dohle is to reach: a ratio to Apache Kafka in the same run, or a figure of its own. */
export interface Bar {
  readonly of: 'ratio' | 'value'
  readonly limit: number
}

export interface Measure {
  readonly text: string
  readonly unit: string
  readonly better: 'more' | 'less'
  readonly bar?: Bar
}

const ratio = (limit: number) => ({ of: 'ratio', limit }) as const
const value = (limit: number) => ({ of: 'value', limit }) as const

function more(text: string, unit: string, bar?: Bar): Measure {
  return { text, unit, better: 'more', ...(bar && { bar }) }
}

function less(text: string, unit: string, bar?: Bar): Measure {
  return { text, unit, better: 'less', ...(bar && { bar }) }
}

/** By name, in the order of the table. */
export const measures: Readonly<Record<string, Measure>> = {
  produce100k: more('produce 100 KB, 4 connections x 5', 'MB/s', ratio(1.8)),
  produce100kCpu: less('  broker CPU', 's/GB', ratio(0.35)),
  produce100kOfC: more('  of a C program doing the least', 'part', value(0.55)),
  produce16k: more('produce 16 KB, 4 connections x 5', 'MB/s', ratio(2.5)),
  produce16kCpu: less('  broker CPU', 's/GB'),
  produce16kOfC: more('  of a C program doing the least', 'part', value(0.45)),
  produce16k100p: more('produce 16 KB over 100 partitions, 10 x 5', 'MB/s', ratio(2)),
  produce16k100pCpu: less('  broker CPU', 's/GB'),
  produce1m: more('produce 1 MB, 4 connections x 5', 'MB/s'),
  produce1mCpu: less('  broker CPU', 's/GB'),
  produce1mOfC: more('  of a C program doing the least', 'part', value(0.6)),
  produce1k: more('produce 1 KB, 10 connections x 5', 'req/s', ratio(2.5)),
  produce1kCpu: less('  broker CPU', 'us/req', value(12)),
  produce1kOfC: more('  of a C program doing the least', 'part'),
  produce1k1c: more('produce 1 KB, 1 connection x 5', 'req/s'),
  produce1k1cCpu: less('  broker CPU', 'us/req'),
  produce1k1cOfC: more('  of a C program doing the least', 'part'),
  produce1k100c: more('produce 1 KB, 100 connections x 5', 'req/s'),
  produce1k100cCpu: less('  broker CPU', 'us/req'),
  produce1k100cOfC: more('  of a C program doing the least', 'part'),
  api50x5: more('ApiVersions, 50 connections x 5', 'req/s', ratio(4)),
  api50x5Cpu: less('  broker CPU', 'us/req', value(5)),
  api1x1: more('ApiVersions, one at a time', 'req/s'),
  api1x1Cpu: less('  broker CPU', 'us/req'),
  heartbeat: more('Heartbeat, 100 groups, 50 connections x 5', 'req/s'),
  heartbeatCpu: less('  broker CPU', 'us/req'),
  fetchCache: more('fetch 1 MB from the page cache, 4 connections x 2', 'MB/s', ratio(0.8)),
  fetchCacheCpu: less('  broker CPU', 's/GB'),
  fetchTail: more('fetch 1 MB from the tail, 4 connections x 2', 'MB/s', ratio(1)),
  fetchTailCpu: less('  broker CPU', 's/GB'),
  gzip: more('produce 16 KB of gzip, 4 connections x 5', 'req/s'),
  gzipCpu: less('  broker CPU', 'us/req'),
  snappy: more('produce 16 KB of snappy', 'req/s'),
  snappyCpu: less('  broker CPU', 'us/req'),
  lz4: more('produce 16 KB of lz4', 'req/s'),
  lz4Cpu: less('  broker CPU', 'us/req'),
  zstd: more('produce 16 KB of zstd', 'req/s'),
  zstdCpu: less('  broker CPU', 'us/req'),
  at1000p50: less('one record, 1,000 a second: p50', 'us'),
  at1000p99: less('  p99', 'us', ratio(0.8)),
  at1000p999: less('  p99.9', 'us', ratio(0.8)),
  at1000p50C: less('  p50 of a C program doing the least', 'us'),
  at1000p99C: less('  p99 of it', 'us'),
  at1000p999C: less('  p99.9 of it', 'us'),
  at5000p50: less('one record, 5,000 a second: p50', 'us'),
  at5000p99: less('  p99', 'us', ratio(0.4)),
  at5000p999: less('  p99.9', 'us', ratio(0.4)),
  at5000p50C: less('  p50 of a C program doing the least', 'us'),
  at5000p99C: less('  p99 of it', 'us'),
  at5000p999C: less('  p99.9 of it', 'us'),
  endToEnd50: less('producer to consumer, one at a time: p50', 'us'),
  endToEnd99: less('  p99', 'us'),
  transactions: more('transactions of 100 records, one at a time', 'a second'),
  transaction99: less('  p99', 'us'),
  kafkajs: more('kafkajs, one record at a time', 'a second'),
  perf1k: more('producer-perf-test 1 KiB, linger 5', 'MB/s', ratio(1.2)),
  perf1kCpu: less('  broker CPU', 's/GiB'),
  perf1kLinger0: more('producer-perf-test 1 KiB, linger 0', 'MB/s', ratio(1.2)),
  perf100: more('producer-perf-test 100 B, linger 5', 'MB/s', ratio(1.2)),
  consume: more('consumer-perf-test 1 KiB, with joining the group', 'MB/s', ratio(1)),
  consumeFetching: more('  fetching alone', 'MB/s', ratio(1)),
  consumeCpu: less('  broker CPU', 's/GiB'),
  firstAck: less('start to first acknowledged record', 'ms', ratio(0.1)),
  restart: less('the same with 10 GB of data', 'ms', ratio(0.125)),
  stop: less('stop', 'ms', value(200)),
  idleRss: less('resident memory, idle', 'MB', ratio(0.2)),
  loadedRss: less('resident memory, most during the loads', 'MB', ratio(0.25)),
  delayP99: less('delay of the event loop during the loads: p99', 'ms'),
  delayMax: less('  longest', 'ms'),
  besideSlow: less(
    'p99 at 1,000 a second: more beside 20 consumers that do not read',
    'ms',
    value(20),
  ),
  besideMetadata: less(
    '  more beside Metadata of 10,000 partitions, over and over',
    'ms',
    value(20),
  ),
  flatPartitions: less('16 KB over 10,000 partitions, CPU by that over 8', 'x', value(1.5)),
  flatConnections: less('ApiVersions on 10,000 connections, CPU by that on 50', 'x', value(1.5)),
  flatConsumers: less('Heartbeat of 1,000 groups, CPU by that of 10', 'x', value(1.5)),
  flatLog: less('fetch behind 100 GiB of log, CPU by that of a small one', 'x', value(1.5)),
}

export type Sample = Record<string, number>
export type Samples = Readonly<Record<'dohle' | 'Apache Kafka', readonly Sample[]>>
