/** What is measured, in the order of the table; `better` says which way is good. */
export const measures = {
  produceMbps: { text: 'producer-perf-test, 1 KiB records', unit: 'MB/s', better: 'more' },
  consumeMbps: { text: 'consumer-perf-test, with joining the group', unit: 'MB/s', better: 'more' },
  fetchMbps: { text: 'consumer-perf-test, fetching alone', unit: 'MB/s', better: 'more' },
  produceCpuPerGib: { text: 'broker CPU, producing', unit: 's/GiB', better: 'less' },
  consumeCpuPerGib: { text: 'broker CPU, consuming', unit: 's/GiB', better: 'less' },
  apiVersions50x5: { text: 'ApiVersions, 50 connections x 5', unit: 'req/s', better: 'more' },
  apiVersions1x1: { text: 'ApiVersions, one at a time', unit: 'req/s', better: 'more' },
  produce1k10x5: { text: 'Produce 1 KiB, 10 connections x 5', unit: 'req/s', better: 'more' },
  firstAckMs: { text: 'start to first acknowledged record', unit: 'ms', better: 'less' },
  idleMb: { text: 'resident memory, idle', unit: 'MB', better: 'less' },
  loadedMb: { text: 'resident memory, after the load', unit: 'MB', better: 'less' },
} as const

export type Measure = keyof typeof measures
export type Sample = Record<Measure, number>

/** Ratios first: absolute figures hold for this machine and this hour only. */
export function table(dohle: readonly Sample[], kafka: readonly Sample[]): string {
  const rows = Object.entries(measures).map(([name, { text, unit, better }]) => {
    const ours = summary(dohle.map((sample) => sample[name as Measure]))
    const theirs = summary(kafka.map((sample) => sample[name as Measure]))
    const ratio = `x${(ours.median / theirs.median).toFixed(2)}`
    return [ratio, `${better} is better`, text, unit, describe(ours), describe(theirs)]
  })
  const head = ['ratio', '', 'measure', 'unit', 'dohle', 'Apache Kafka']
  return aligned([head, ...rows])
}

interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
}

export function summary(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  const median = sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN }
}

function describe({ median, min, max }: Summary): string {
  return `${short(median)} [${short(min)}..${short(max)}]`
}

function short(value: number): string {
  if (value >= 10_000) return `${Math.round(value / 1_000)} k`
  return value >= 100 ? `${Math.round(value)}` : value.toPrecision(3)
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
