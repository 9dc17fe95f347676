import { EXIT_CODE_SIGNAL_BASE } from './exit-code.ts'

/** Signals of one Ctrl-C or one `kill` that reach the process by several ways come within this. */
const SAME_SIGNAL_MS = 1_000

const NUMBERS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const
type StopSignal = keyof typeof NUMBERS

/**
 * Resolves with the first signal that asks to stop. A later one ends the process at once, since
 * whoever sends it does not want to wait; but a terminal's Ctrl-C and npm's own forwarding of it
 * are one wish.
 */
export function stopSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    let firstAtMs: number | undefined
    for (const signal of Object.keys(NUMBERS) as StopSignal[]) {
      process.on(signal, () => {
        firstAtMs ??= Date.now()
        if (Date.now() - firstAtMs > SAME_SIGNAL_MS) {
          process.exit(EXIT_CODE_SIGNAL_BASE + NUMBERS[signal])
        }
        resolve(signal)
      })
    }
  })
}
