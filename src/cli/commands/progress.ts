import { formatDuration } from './duration.ts'
import type { Stream } from './output.ts'

/** Short work needs no bar. */
const QUIET_MS = 500
const REDRAW_MS = 100
const BAR_WIDTH = 24

/**
 * A line at the bottom of a terminal that says how far long work has come: nothing anywhere else,
 * and nothing for work that is over in half a second.
 */
export class Progress {
  readonly #stream: Stream
  readonly #startedAtMs = Date.now()
  readonly #isShown: boolean
  #drawnAtMs = 0
  #isDrawn = false

  constructor(stream: Stream, isWanted = true) {
    this.#stream = stream
    this.#isShown = isWanted && stream.isTTY === true
  }

  /** `share` is from 0 to 1; undefined when nobody knows how much there is. */
  update(share: number | undefined, text: string): void {
    if (!this.#isShown) return
    const nowMs = Date.now()
    const elapsedMs = nowMs - this.#startedAtMs
    if (elapsedMs < QUIET_MS || nowMs - this.#drawnAtMs < REDRAW_MS) return
    this.#drawnAtMs = nowMs
    this.#isDrawn = true
    const left =
      share === undefined || share <= 0
        ? formatDuration(elapsedMs)
        : `${formatDuration((elapsedMs / share) * (1 - share))} left`
    const bar = share === undefined ? '' : `${drawBar(share)} ${Math.floor(share * 100)} %  `
    const line = `${bar}${text}  ${left}`
    this.#stream.write(`\r\u001b[2K${line.slice(0, (this.#stream.columns || 80) - 1)}`)
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isDrawn) this.#stream.write('\r\u001b[2K')
    this.#isDrawn = false
  }
}

function drawBar(share: number): string {
  const full = Math.round(Math.min(share, 1) * BAR_WIDTH)
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_WIDTH - full)}]`
}
