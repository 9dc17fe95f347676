import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { Program, stopAllPrograms } from './process.ts'

const root = resolve(import.meta.dirname, '../..')

/** A dohle process of its own, on a free port, with a directory of its own. */
export class Dohle {
  readonly directory: string
  readonly #ownsDirectory: boolean
  readonly program: Program
  port = 0

  constructor(args: readonly string[] = [], directory?: string) {
    this.#ownsDirectory = directory === undefined
    this.directory = directory ?? mkdtempSync(join(tmpdir(), 'dohle-compat-'))
    const port = args.includes('--port') ? [] : ['--port', '0']
    this.program = new Program(process.execPath, [
      join(root, 'bin/dohle.js'),
      ...port,
      ...(args.includes('--memory') ? [] : ['--data', this.directory]),
      ...args,
    ])
  }

  static async start(args?: readonly string[], directory?: string): Promise<Dohle> {
    const dohle = new Dohle(args, directory)
    await dohle.ready()
    return dohle
  }

  get bootstrap(): string {
    return `localhost:${this.port}`
  }

  /** The process's lines of log, each a JSON object. */
  get log(): Record<string, unknown>[] {
    return this.program.lines.map((line) => JSON.parse(line))
  }

  async ready(): Promise<void> {
    await this.program.printed(({ stdout }) => /"msg":"ready"/.test(stdout))
    this.port = Number(/"port":(\d+)/.exec(this.program.stdout)?.[1])
  }

  /** Ends the process; resolves with its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    const exitCode = await this.program.stop(signal)
    if (this.#ownsDirectory) rmSync(this.directory, { recursive: true, force: true })
    return exitCode
  }
}

/**
 * One broker for all tests of a file. DOHLE_COMPAT_BOOTSTRAP names one that runs already: that is
 * how these tests are shown to be true of Apache Kafka itself.
 */
export function brokerForThisFile(args: readonly string[] = []): { readonly bootstrap: string } {
  const given = process.env['DOHLE_COMPAT_BOOTSTRAP']
  let dohle: Dohle | undefined
  beforeAll(async () => {
    if (!given) dohle = await Dohle.start(args)
  })
  afterEach(stopAllButBroker)
  afterAll(async () => {
    await dohle?.stop()
    await stopAllPrograms()
  })
  async function stopAllButBroker() {
    await stopAllPrograms(dohle ? [dohle.program] : [])
  }
  return {
    get bootstrap() {
      return given ?? dohle?.bootstrap ?? ''
    },
  }
}

let names = 0

/** A name that no other test uses, also on a broker that is used again. */
export function uniqueName(stem: string): string {
  names += 1
  return `${stem}-${process.pid}-${Date.now().toString(36)}-${names}`
}
