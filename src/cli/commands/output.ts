import { once } from 'node:events'
import type { WriteStream } from 'node:tty'

/** A stream that may be a terminal. */
export type Stream = NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>

/**
 * Standard output as commands use it. When whoever reads it has gone (`| head -1`), nothing more is
 * written and `onClose` tells: that is no error.
 */
export class Output {
  readonly isTerminal: boolean
  readonly #stream: Stream
  readonly #gone = new AbortController()
  #draining: Promise<unknown> | undefined

  constructor(stream: Stream) {
    this.#stream = stream
    this.isTerminal = stream.isTTY === true
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EOF') throw error
      this.#gone.abort()
    })
  }

  /** Aborted when nobody reads any more. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** A promise when the reader is slower than we are: to be awaited then. Never rejects. */
  write(bytes: string | Uint8Array): Promise<unknown> | undefined {
    if (this.#gone.signal.aborted || this.#stream.write(bytes)) return undefined
    this.#draining ??= once(this.#stream, 'drain', { signal: this.#gone.signal })
      .catch(() => {})
      .finally(() => {
        this.#draining = undefined
      })
    return this.#draining
  }

  /** For what is short; long output awaits `write`. */
  line(text: string): void {
    void this.write(`${text}\n`)
  }

  json(value: unknown): void {
    this.line(JSON.stringify(value, undefined, this.isTerminal ? 2 : undefined))
  }

  /** Columns as wide as their widest cell; numbers to the right. */
  table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
    const widths = head.map((title, column) =>
      Math.max(title.length, ...rows.map((row) => String(row[column] ?? '').length)),
    )
    const layOut = (cells: readonly (string | number)[]) =>
      cells
        .map((cell, column) => {
          const width = widths[column]!
          return typeof cell === 'number' ? String(cell).padStart(width) : cell.padEnd(width)
        })
        .join('  ')
        .trimEnd()
    const titles = head.map((title, column) =>
      rows.length > 0 && rows.every((row) => typeof row[column] === 'number')
        ? title.padStart(widths[column]!)
        : title,
    )
    const lines = [this.paint(layOut(titles), BOLD), ...rows.map(layOut)]
    this.line(lines.join('\n'))
  }

  /** Colour where it can be seen, and is not unwanted (https://no-color.org). */
  paint(text: string, style: number): string {
    const wanted = this.isTerminal && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'
    return wanted ? `\u001b[${style}m${text}\u001b[0m` : text
  }
}

const BOLD = 1
export const RED = 31
export const GREEN = 32
export const YELLOW = 33
