import type { Settings } from '../../settings/settings.ts'
import type { MetadataStore } from '../../storage/metadata-store.ts'
import { QuotaEnforcer } from './quota-enforcer.ts'

/** The quotas of a broker, which follow its metadata. */
export class Quotas {
  /** Undefined while none is set, which is all that most brokers ever look at. */
  active: QuotaEnforcer | undefined
  /** What was measured before outlives the last limit. */
  #enforcer: QuotaEnforcer | undefined
  readonly #metadata: MetadataStore
  readonly #settings: Settings

  constructor(metadata: MetadataStore, settings: Settings) {
    this.#metadata = metadata
    this.#settings = settings
    this.#update()
    metadata.subscribe((records) => {
      if (records.some(({ type }) => type === 'ClientQuotaRecord')) this.#update()
    })
  }

  #update(): void {
    const quotas = [...this.#metadata.image.clientQuotas.values()]
    if (quotas.length === 0) {
      this.active = undefined
      return
    }
    this.#enforcer ??= new QuotaEnforcer(windowsOf(this.#settings))
    this.#enforcer.setQuotas(quotas)
    this.active = this.#enforcer
  }
}

function windowsOf(settings: Settings) {
  const { quotaWindowNum, quotaWindowSizeSeconds } = settings
  const { controllerQuotaWindowNum, controllerQuotaWindowSizeSeconds } = settings
  return {
    client: { count: quotaWindowNum, sizeMs: quotaWindowSizeSeconds * 1000 },
    controller: {
      count: controllerQuotaWindowNum,
      sizeMs: controllerQuotaWindowSizeSeconds * 1000,
    },
  }
}
