import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { ApacheKafka } from '../apache-kafka.ts'
import { Dohle } from '../broker.ts'
import { stopAllPrograms } from '../process.ts'

export interface BrokerPair {
  /** A directory for files of the tests, too; it goes with the brokers. */
  readonly root: string
  readonly kafka: { readonly bootstrap: string; readonly data: string }
  readonly dohle: { readonly bootstrap: string; readonly data: string }
}

/** Apache Kafka and dohle for all tests of a file; `properties` are told to both. */
export function brokerPairForThisFile(properties: Readonly<Record<string, string>>): BrokerPair {
  const root = mkdtempSync(join(tmpdir(), 'dohle-pair-'))
  const home = join(root, 'kafka')
  let kafka: ApacheKafka | undefined
  let dohle: Dohle | undefined

  beforeAll(async () => {
    mkdirSync(home)
    await ApacheKafka.format(home)
    kafka = await ApacheKafka.start(home, properties)
    // The same file, as it is, but for the address and the place of the data.
    dohle = await Dohle.start(['--config', join(home, 'server.properties')])
  })

  afterAll(async () => {
    await Promise.all([kafka?.stop(), dohle?.stop()])
    await stopAllPrograms()
    rmSync(root, { recursive: true, force: true })
  })

  return {
    root,
    get kafka() {
      return { bootstrap: kafka!.bootstrap, data: join(home, 'data') }
    },
    get dohle() {
      return { bootstrap: dohle!.bootstrap, data: dohle!.directory }
    },
  }
}
