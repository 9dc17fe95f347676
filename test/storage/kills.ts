import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { MetadataLog } from '../../src/storage/local/metadata-log.ts'
import { NodeFiles } from '../../src/storage/local/node-files.ts'
import { EngineFixture, TOPIC } from './engine-fixture.ts'
import { KILL_CONFIG, PARTITIONS } from './kill-script.ts'

/** `early` is a planted defect: the client is told before the record is written. */
export type KillPlan = 'os' | 'sync' | 'early'

export interface KillResult {
  /** Changes to the disk that the whole script makes, when it got through. */
  readonly callCount: number | undefined
  /** Sentences about what is wrong; none when promises.md section 1 holds. */
  readonly wrong: readonly string[]
}

/** What a process leaves is the same on every disk, so one is taken whose syncs cost nothing. */
const MEMORY_DISK = '/dev/shm'

/** Bundles the script once, as a start through a TypeScript loader takes ten times as long. */
export class Killer {
  readonly #root = mkdtempSync(
    join(existsSync(MEMORY_DISK) ? MEMORY_DISK : tmpdir(), 'dohle-kill-'),
  )
  readonly #program = resolve(import.meta.dirname, `../../.cache/kill-child-${process.pid}.mjs`)

  async prepare(): Promise<this> {
    await build({
      entryPoints: [join(import.meta.dirname, 'kill-child.ts')],
      outfile: this.#program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'error',
    })
    return this
  }

  cleanUp(): void {
    rmSync(this.#root, { recursive: true, force: true })
    rmSync(this.#program, { force: true })
  }

  /** Lets the script die at a change to the disk, and looks at what is left. */
  async killAt(call: number, plan: KillPlan): Promise<KillResult> {
    const directory = mkdtempSync(join(this.#root, 'data-'))
    const lines = await this.#run([directory, `${call}`, plan])
    const done = lines.find((line) => line.startsWith('done'))
    try {
      const wrong = await violations(directory, lines)
      const before = logBytes(directory)
      wrong.push(...(await violations(directory, lines)))
      if (logBytes(directory) !== before) wrong.push('a second recovery changed the logs')
      return { callCount: done ? Number(done.split(' ')[1]) : undefined, wrong }
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }

  async #run(args: readonly string[]): Promise<string[]> {
    const child = spawn(process.execPath, [this.#program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
    })
    const [code, signal] = await new Promise<[number | null, string | null]>((resolved) =>
      child.once('close', (exitCode, by) => resolved([exitCode, by])),
    )
    if (code !== 0 && signal !== 'SIGKILL') throw new Error(`script failed: ${errors}`)
    return output.split('\n')
  }
}

async function violations(directory: string, lines: readonly string[]): Promise<string[]> {
  const options = { openMetadata: MetadataLog.open }
  const fixture = new EngineFixture(new NodeFiles(), directory, { config: KILL_CONFIG, options })
  try {
    await fixture.open()
  } catch (error) {
    return [`cannot start: ${error}`]
  }
  const wrong: string[] = []
  for (const { level, message } of fixture.reports) if (level === 'error') wrong.push(message)
  const isCreated = lines.includes(`partitions ${PARTITIONS}`)
  for (let partition = 0; isCreated && partition < PARTITIONS; partition++) {
    wrong.push(...(await lostIn(fixture, partition, lines)))
  }
  await crash(fixture)
  return wrong
}

/** The next start recovers again: nothing is flushed, and no mark of a clean shutdown is left. */
async function crash(fixture: EngineFixture): Promise<void> {
  const { files, dataDir } = fixture
  await fixture.engine.close()
  files.removeFile(`${dataDir}/.kafka_cleanshutdown`)
}

async function lostIn(
  fixture: EngineFixture,
  partition: number,
  lines: readonly string[],
): Promise<string[]> {
  const wrong: string[] = []
  const bounds = fixture.engine.log.bounds({ topicId: TOPIC, partition })
  const { errorCode, records } = await fixture.readVisible(partition, 'read_uncommitted')
  if (bounds.errorCode !== 0 || errorCode !== 0) return [`${partition} cannot be read`]
  const values = new Map(records.map(({ offset, value }) => [offset, value]))
  for (const line of lines) {
    const [kind, where, offset, value] = line.split(' ')
    if (Number(where) !== partition) continue
    if (kind === 'start' && bounds.logStartOffset < Number(offset)) wrong.push(`lost ${line}`)
    if (kind !== 'acked' || Number(offset) < bounds.logStartOffset) continue
    if (values.get(Number(offset)) !== value) wrong.push(`lost: ${line}`)
  }
  return wrong
}

function logBytes(directory: string): string {
  const found: string[] = []
  for (const name of readdirSync(directory)) {
    if (!name.startsWith('topic-')) continue
    for (const file of readdirSync(join(directory, name))) {
      if (!file.endsWith('.log')) continue
      found.push(`${name}/${file} ${readFileSync(join(directory, name, file), 'hex')}`)
    }
  }
  return found.sort().join('\n')
}
