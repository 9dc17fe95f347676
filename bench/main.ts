/**
 * `npm run bench [-- --quick] [--rounds N] [--only rounds,flat,big] [--loads fetch,rates]
 * [--broker dohle]`: dohle and Apache Kafka in turns, each on a fresh directory, under the same
 * programs. Prints the table of measures.ts; all samples go to `.cache/bench.json`, with `--write`
 * the table to docs/PERFORMANCE.md.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { stopAllPrograms } from '../test/compat/process.ts'
import { KAFKA_VERSION } from '../test/compat/tools.mjs'
import { apacheKafka, type Contender, dohle } from './brokers.ts'
import { writeDocument } from './document.ts'
import { measureFlatness } from './flat.ts'
import type { Sample } from './measures.ts'
import { compile } from './raw-load.ts'
import { measureRestart } from './restart.ts'
import { type Effort, loads, measureRound } from './round.ts'
import { markdown, table } from './table.ts'

const quick = process.argv.includes('--quick')
const rounds = Number(option('rounds') ?? (quick ? 1 : 3))
const one = option('broker')
const parts = (option('only') ?? (quick ? 'rounds' : 'rounds,flat,big')).split(',')
const wanted = option('loads')?.split(',')
const effort: Effort = {
  ...(quick
    ? { seconds: 0.5, records: 100_000, repetitions: 200, rehearses: false }
    : { seconds: 2, records: 1_000_000, repetitions: 1_000, rehearses: true }),
  windows: quick ? { seconds: 1, count: 1 } : { seconds: 3, count: 5 },
  loads: loads.filter((name) => wanted === undefined || wanted.includes(name)),
}
const bigBytes = 10e9

function option(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? undefined : process.argv[at + 1]
}

const directory = mkdtempSync(join(tmpdir(), 'dohle-bench-c-'))
const samples = { dohle: [] as Sample[], 'Apache Kafka': [] as Sample[] }
const startedAt = performance.now()
const startedOn = new Date().toISOString()

function say(text: string): void {
  process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(0)} s: ${text}\n`)
}

/** Who goes first changes, so that neither always meets the other's leftovers. */
function inTurn(round: number): Contender[] {
  const both = round % 2 === 0 ? [dohle, apacheKafka] : [apacheKafka, dohle]
  return both.filter(({ name }) => one === undefined || name === one)
}

async function main(ceiling: ChildProcess): Promise<void> {
  const [line] = await once(ceiling.stdout!, 'data')
  const programs = { load: compile('load.c', directory), ceilingPort: Number(line) }
  for (let round = 0; parts.includes('rounds') && round < rounds; round++) {
    for (const contender of inTurn(round)) {
      say(`round ${round + 1} of ${rounds}: ${contender.name}`)
      samples[contender.name].push(await measureRound(contender, effort, programs))
      save()
    }
  }
  if (parts.includes('flat')) {
    say('flatness: dohle')
    samples.dohle.push(await measureFlatness(programs, effort))
  }
  for (const contender of parts.includes('big') ? inTurn(0) : []) {
    say(`restart with ${bigBytes / 1e9} GB: ${contender.name}`)
    samples[contender.name].push(await measureRestart(contender, bigBytes, programs))
  }
  save()
  console.log(table(samples))
  say(`done; all samples: ${results}`)
}

const results = resolve(import.meta.dirname, '../.cache/bench.json')

function save(): void {
  mkdirSync(resolve(results, '..'), { recursive: true })
  const all = { at: startedOn, ...machine(), rounds, effort, samples }
  writeFileSync(results, `${JSON.stringify(all, null, 2)}\n`)
  if (!process.argv.includes('--write')) return
  const { node, kernel, processors } = machine()
  const day = startedOn.slice(0, 10)
  writeDocument(
    `${day}, dohle on Node ${node}, Apache Kafka ${KAFKA_VERSION} with a heap of 1 GiB, ` +
      `Linux ${kernel}, ${processors}; medians of ${rounds} rounds [least..most].\n\n` +
      markdown(samples),
  )
}

function machine() {
  const processors = `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`
  return { node: process.version, kernel: release(), processors }
}

const ceiling = spawn(compile('ceiling.c', directory), [join(directory, 'ceiling.log')])
// No broker outlives a benchmark that somebody had enough of.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    ceiling.kill()
    void stopAllPrograms().finally(() => process.exit(1))
  })
}
try {
  await main(ceiling)
} finally {
  ceiling.kill()
  rmSync(directory, { recursive: true, force: true })
}
