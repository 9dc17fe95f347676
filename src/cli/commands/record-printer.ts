import type { Fetched, Fetcher, Position } from '../../client/fetcher.ts'
import { type CommandContext, usage } from './command-context.ts'
import { Progress } from './progress.ts'
import { type RecordFormat, recordFormat } from './record-format.ts'
import { recordLine } from './record-json.ts'

export interface PrintOptions {
  readonly format: string | undefined
  readonly timestamps: boolean | undefined
  /** How many records; all when undefined. */
  readonly limit: number | undefined
}

/** So many records are printed with one call: a fetch may hold hundreds of thousands. */
const PIECES_MAX = 5_000

/** Prints records as JSON or by a template, up to a limit. Throws `StartError` for a bad template. */
export class RecordPrinter {
  readonly #context: CommandContext
  readonly #format: RecordFormat
  readonly #limit: number
  readonly #progress: Progress
  #count = 0

  constructor(options: PrintOptions, context: CommandContext) {
    this.#context = context
    this.#limit = options.limit ?? Number.POSITIVE_INFINITY
    this.#format = formatOf(options)
    // Records on a terminal are progress enough.
    this.#progress = new Progress(context.err, !context.out.isTerminal)
  }

  get isFull(): boolean {
    return this.#count >= this.#limit
  }

  get count(): number {
    return this.#count
  }

  /**
   * Resolves with the offset after the last record that was printed, or looked at; `printed` hears
   * of it on the way.
   */
  async print(fetched: Fetched, printed?: (nextOffset: number) => void): Promise<number> {
    const pieces: Buffer[] = []
    let nextOffset = fetched.nextOffset
    for (const one of fetched.records) {
      if (this.isFull) break
      this.#count++
      pieces.push(this.#format({ ...one, from: fetched, count: this.#count }))
      if (this.isFull) nextOffset = one.record.offset + 1
      if (pieces.length < PIECES_MAX) continue
      await this.#write(pieces.splice(0))
      printed?.(one.record.offset + 1)
      // Signals are heard between turns of the event loop.
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (pieces.length > 0) await this.#write(pieces)
    printed?.(nextOffset)
    return nextOffset
  }

  async #write(pieces: readonly Buffer[]): Promise<void> {
    const { out, signal } = this.#context
    await untilAborted(Promise.resolve(out.write(Buffer.concat(pieces))), signal)
  }

  /** `share` of the whole, where it is known. */
  progress(share: number | undefined): void {
    this.#progress.update(share, `${this.#count} records`)
  }

  end(): void {
    this.#progress.end()
  }
}

function formatOf({ format, timestamps }: PrintOptions): RecordFormat {
  if (format !== undefined && format !== 'json') {
    try {
      return recordFormat(format)
    } catch (error) {
      if (error instanceof SyntaxError) throw usage(`--format: ${error.message}`)
      throw error
    }
  }
  const options = { timestamps: timestamps === true }
  return ({ from, record }) => Buffer.from(`${recordLine({ ...from, record }, options)}\n`)
}

export interface ReadOptions {
  readonly context: CommandContext
}

/** Prints from these positions on until their ends, the printer's limit, or an interruption. */
export async function readPositions(
  fetcher: Fetcher,
  positions: readonly Position[],
  { printer, context }: ReadOptions & { readonly printer: RecordPrinter },
): Promise<void> {
  fetcher.assign(positions)
  const total = spanOf(positions)
  let done = 0
  const offsets = new Map(positions.map((one) => [`${one.topic}/${one.partition}`, one.offset]))
  while (!context.signal.aborted && !printer.isFull && !fetcher.isDone) {
    for (const fetched of await untilAborted(fetcher.poll(), context.signal)) {
      const name = `${fetched.topic}/${fetched.partition}`
      await printer.print(fetched, (nextOffset) => {
        done += nextOffset - (offsets.get(name) ?? nextOffset)
        offsets.set(name, nextOffset)
        printer.progress(total && done / total)
      })
      if (printer.isFull) break
    }
  }
}

/** How many offsets lie before all ends; undefined when there is a partition without one. */
function spanOf(positions: readonly Position[]): number | undefined {
  let total = 0
  for (const { offset, endOffset } of positions) {
    if (endOffset === undefined) return undefined
    total += Math.max(0, endOffset - offset)
  }
  return total
}

/** What the work gives; when it is interrupted first, rejects. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new Error('interrupted'))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop)
  })
  // Whichever loses the race is not waited for any more.
  work.catch(() => {})
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
