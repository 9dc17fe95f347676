import { type Measure, measures, type Samples } from './measures.ts'
import { type Summary, summary } from './summary.ts'

const head = ['ratio', 'bar', '', 'measure', 'unit', 'dohle', 'Apache Kafka']

/** Ratios first: absolute figures hold for this machine and this hour only. */
export function rows(samples: Samples): string[][] {
  const found: string[][] = []
  for (const [name, measure] of Object.entries(measures)) {
    const ours = of(samples.dohle, name)
    const theirs = of(samples['Apache Kafka'], name)
    if (ours.length === 0) continue
    found.push(row(measure, summary(ours), theirs.length > 0 ? summary(theirs) : undefined))
  }
  return found
}

function of(samples: Samples['dohle'], name: string): number[] {
  return samples.map((sample) => sample[name]).filter((value) => value !== undefined)
}

function row(measure: Measure, ours: Summary, theirs: Summary | undefined): string[] {
  const { text, unit, better, bar } = measure
  const ratio = theirs && ours.median / theirs.median
  const judged = bar?.of === 'value' ? ours.median : ratio
  const sign = better === 'more' ? '>=' : '<='
  const isMet =
    bar && judged !== undefined && (better === 'more' ? judged >= bar.limit : judged <= bar.limit)
  return [
    ratio === undefined ? '' : `x${ratio.toFixed(2)}`,
    bar ? `${sign} ${bar.of === 'ratio' ? 'x' : ''}${bar.limit}` : '',
    bar && judged !== undefined ? (isMet ? 'met' : 'missed') : '',
    text,
    unit,
    describe(ours),
    theirs ? describe(theirs) : '',
  ]
}

function describe({ median, min, max }: Summary): string {
  if (min === max) return short(median)
  return `${short(median)} [${short(min)}..${short(max)}]`
}

function short(value: number): string {
  if (value >= 10_000) return `${Math.round(value / 1_000)} k`
  return value >= 100 ? `${Math.round(value)}` : value.toPrecision(3)
}

export function table(samples: Samples): string {
  const all = [head, ...rows(samples)]
  const widths = head.map((_, column) => Math.max(...all.map((one) => one[column]!.length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd()
  return all.map(line).join('\n')
}

export function markdown(samples: Samples): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const shown = rows(samples).map((cells) => cells.map((cell) => cell.replace(/^ {2}/, '… ')))
  return [line(head), line(head.map(() => '---')), ...shown.map(line)].join('\n')
}
