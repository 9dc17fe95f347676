export type MetricType = 'counter' | 'gauge'
export type Labels = Readonly<Record<string, string | number>>

/** Lines of Prometheus' text format (version 0.0.4), one family of samples after the other. */
export class PrometheusText {
  readonly #lines: string[] = []
  #name = ''

  /** Begins a family: the samples that follow are of it. */
  family(name: string, type: MetricType, help: string): void {
    this.#name = name
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
  }

  sample(value: number, labels?: Labels): void {
    this.#lines.push(`${this.#name}${labels ? labelText(labels) : ''} ${valueText(value)}`)
  }

  /** A family of one sample without labels. */
  single(name: string, type: MetricType, help: string, value: number): void {
    this.family(name, type, help)
    this.sample(value)
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`
  }
}

function labelText(labels: Labels): string {
  const parts: string[] = []
  for (const name in labels) parts.push(`${name}="${escaped(String(labels[name]))}"`)
  return `{${parts.join(',')}}`
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }

/** Names of groups are whatever clients choose. */
function escaped(text: string): string {
  return /[\\"\n]/.test(text) ? text.replace(/[\\"\n]/g, (mark) => ESCAPES[mark]!) : text
}

function valueText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}
