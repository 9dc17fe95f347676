import timers from 'node:timers'

/**
 * Node's own time and timers, taken when the process begins. A test that puts fake ones in the
 * place of the globals means its application's, not those of a broker in the same process, which
 * would stand still.
 */
export const { setTimeout, clearTimeout, setImmediate } = timers

/** Milliseconds since the epoch. */
export const wallNowMs: () => number = Date.now

/** Milliseconds since the process began; never goes back. */
export const steadyNowMs: () => number = performance.now.bind(performance)

/** Milliseconds that the event loop was at work since the process began: all but its waiting. */
export const loopActiveMs = (): number => performance.eventLoopUtilization().active
