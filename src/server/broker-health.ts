import type { Broker } from '../broker/broker.ts'
import type { Core } from './core.ts'
import type { MetricsSource } from './http/http-endpoint.ts'
import type { ServedBroker } from './served-broker.ts'

/** How far a broker is, for those who watch over it. */
export class BrokerHealth implements MetricsSource {
  phase: MetricsSource['phase'] = 'starting'
  /** What is open behind the sockets, if anything. */
  core: Pick<Core, 'broker' | 'brokers' | 'writeProblem'> | undefined
  readonly #served: readonly ServedBroker[]

  constructor(served: readonly ServedBroker[]) {
    this.#served = served
  }

  serve(core: BrokerHealth['core']): void {
    this.core = core
    this.phase = 'serving'
  }

  get broker(): Broker | undefined {
    return this.core?.broker
  }

  get brokers(): readonly Broker[] {
    return this.core?.brokers ?? []
  }

  get listening(): boolean {
    return this.#served.some(({ server }) => server.listening)
  }

  get connectionCount(): number {
    return this.#served.reduce((count, { server }) => count + server.connectionCount, 0)
  }

  storageProblem(): string | undefined {
    return this.core?.writeProblem()
  }
}
