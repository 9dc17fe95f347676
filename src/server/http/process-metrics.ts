import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { PrometheusText } from './prometheus-text.ts'

const RESOLUTION_MS = 20
const NANOSECONDS = 1e9

/** Memory, time and the delay of the event loop, as clients of this process feel it. */
export class ProcessMetrics {
  readonly #delay: IntervalHistogram

  constructor() {
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    this.#delay.enable()
  }

  close(): void {
    this.#delay.disable()
  }

  write(text: PrometheusText): void {
    const { user, system } = process.cpuUsage()
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
    const gauge = (name: string, help: string, value: number) =>
      text.single(name, 'gauge', help, value)
    const cpu = (user + system) / 1e6
    text.single('process_cpu_seconds_total', 'counter', 'Processor time, in seconds.', cpu)
    const startedAt = Math.round(performance.timeOrigin) / 1000
    gauge('process_start_time_seconds', 'When it started, since the epoch.', startedAt)
    gauge('process_resident_memory_bytes', 'Resident memory.', rss)
    gauge('nodejs_heap_size_used_bytes', 'Heap in use.', heapUsed)
    gauge('nodejs_heap_size_total_bytes', 'Heap.', heapTotal)
    gauge('nodejs_external_memory_bytes', 'Memory of buffers.', external)
    this.#writeDelay(text)
  }

  /** Since the last time it was asked for. */
  #writeDelay(text: PrometheusText): void {
    const delay = this.#delay
    const of = (nanoseconds: number) =>
      (Number.isFinite(nanoseconds) ? nanoseconds : 0) / NANOSECONDS
    const gauge = (name: string, help: string, value: number) =>
      text.single(`nodejs_eventloop_lag_${name}_seconds`, 'gauge', help, value)
    gauge('mean', 'Mean delay of the event loop.', of(delay.mean))
    gauge('p50', 'Median delay of the event loop.', of(delay.percentile(50)))
    gauge('p99', 'Delay of the event loop, 99th percentile.', of(delay.percentile(99)))
    gauge('max', 'Longest delay of the event loop.', of(delay.max))
    delay.reset()
  }
}
