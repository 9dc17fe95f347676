/**
 * The long form of the crash tests: `npm run test:crash [images compaction kills bits full]`. Every kill, tear
 * and changed bit that the short forms in `npm test` take samples of. Prints a line for each
 * harness, every anomaly, and fails when there was one.
 */

import { flipsOf, isUnprotected, makeOriginal, outcomeOf } from './bit-flips.ts'
import { crashViolations, playCompaction } from './cleaner-crash.ts'
import { type Crash, randomOf } from './crash-files.ts'
import { type Story, tell, violations } from './crash-story.ts'
import { fullDiskViolations, SCRIPT_BYTES } from './full-disk.ts'
import { Killer, type KillPlan } from './kills.ts'

const SEEDS = 12
const COMPACTION_SEEDS = 12
const SECTORS = [512, 4096]
const ANOMALIES_SHOWN = 20

class Tally {
  readonly #name: string
  readonly #startedAt = performance.now()
  readonly #anomalies: string[] = []
  #count = 0

  constructor(name: string) {
    this.#name = name
  }

  add(what: string, wrong: readonly string[]): void {
    this.#count++
    for (const sentence of wrong) this.#anomalies.push(`${what}: ${sentence}`)
  }

  finish(unit: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(1)
    const found = this.#anomalies.length
    print(`${this.#name.padEnd(28)} ${this.#count} ${unit}, ${found} anomalies, ${seconds} s`)
    for (const anomaly of this.#anomalies.slice(0, ANOMALIES_SHOWN)) print(`  ${anomaly}`)
    if (found > 0) process.exitCode = 1
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Death in the middle of every write, at every one of its bytes up to 64 and at every 16th. */
async function killImages(mode: 'os' | 'sync'): Promise<void> {
  const tally = new Tally(`kill images, mode ${mode}`)
  const story = await tell({ mode })
  const { operations } = story.files
  for (let operation = 1; operation <= operations.length; operation++) {
    const last = operations[operation - 1]!
    const bytes = last.kind === 'write' ? last.bytes.length : 0
    for (let length = 0; length <= bytes; length += length < 64 ? 1 : 16) {
      const chance = () => length / (bytes + 1)
      const crash = { operation, kind: 'process', chance } as const
      tally.add(`${operation}+${length}`, await violations(story, crash, { ackedSurvive: true }))
    }
  }
  tally.finish('images')
}

async function powerImages(mode: 'os' | 'interval' | 'sync'): Promise<void> {
  const tally = new Tally(`power cut images, mode ${mode}`)
  const story = await tell(mode === 'interval' ? { mode, intervalMs: 1_000 } : { mode })
  for (const sectorBytes of SECTORS) {
    for (let operation = 1; operation <= story.files.operations.length; operation++) {
      for (let seed = 0; seed < SEEDS; seed++) {
        const chance = randomOf(operation * 37 + seed)
        const crash: Crash = { operation, kind: 'power', chance, sectorBytes }
        const wrong = await violations(story, crash, { ackedSurvive: mode === 'sync' })
        tally.add(`operation ${operation} seed ${seed} sector ${sectorBytes}`, wrong)
      }
      await allOrNothing(story, { operation, sectorBytes, mode, tally })
    }
  }
  tally.finish('images')
}

/** The extremes: nothing of what was not synced is there, or all of it, or the names alone. */
async function allOrNothing(
  story: Story,
  to: { operation: number; sectorBytes: number; mode: string; tally: Tally },
): Promise<void> {
  const { operation, sectorBytes, mode, tally } = to
  for (const [name, value] of [
    ['nothing', 0.05],
    ['little', 0.25],
    ['most', 0.6],
  ] as const) {
    const crash: Crash = { operation, kind: 'power', chance: () => value, sectorBytes }
    const wrong = await violations(story, crash, { ackedSurvive: mode === 'sync' })
    tally.add(`operation ${operation} ${name}`, wrong)
  }
}

/** Kill and power cut at every change to the disk while a topic with transactions is compacted. */
async function compactions(kind: 'process' | 'power', mode: 'os' | 'sync'): Promise<void> {
  const tally = new Tally(`${kind === 'power' ? 'power cut' : 'kill'} in a compaction, ${mode}`)
  for (let seed = 1; seed <= COMPACTION_SEEDS; seed++) {
    const scene = await playCompaction(seed, { mode })
    for (let operation = scene.from; operation <= scene.to; operation++) {
      const crash: Crash = { operation, kind, chance: randomOf(operation * 31 + seed) }
      const wrong = await crashViolations(scene, crash)
      tally.add(`seed ${seed} operation ${operation}`, wrong)
    }
  }
  tally.finish('images')
}

async function kills(plan: KillPlan): Promise<void> {
  const tally = new Tally(`kill -9 at a call, mode ${plan}`)
  const killer = await new Killer().prepare()
  try {
    for (let call = 1; ; call++) {
      const { callCount, wrong } = await killer.killAt(call, plan)
      tally.add(`call ${call}`, wrong)
      if (callCount !== undefined) break
    }
  } finally {
    killer.cleanUp()
  }
  tally.finish('kills')
}

async function bitFlips(isClean: boolean): Promise<void> {
  const tally = new Tally(`changed bits after a ${isClean ? 'clean stop' : 'kill'}`)
  const original = await makeOriginal(isClean)
  let unprotected = 0
  let detected = 0
  for (const flip of flipsOf(original, 'all')) {
    const outcome = await outcomeOf(original, flip)
    if (outcome === 'detected') detected++
    const isWrong = outcome === 'wrong' && !isUnprotected(original, flip)
    if (outcome === 'wrong' && !isWrong) unprotected++
    const { path, position, bit } = flip
    tally.add(path, isWrong ? [`byte ${position} bit ${bit} is served`] : [])
  }
  tally.finish('bits')
  print(`  ${detected} detected, ${unprotected} in files without a checksum not`)
}

async function fullDisks(isKilled: boolean): Promise<void> {
  const tally = new Tally(`full disk, then a ${isKilled ? 'kill' : 'clean stop'}`)
  for (let bytesLeft = 0; bytesLeft < SCRIPT_BYTES; bytesLeft++) {
    tally.add(`${bytesLeft} bytes left`, await fullDiskViolations({ bytesLeft, isKilled }))
  }
  tally.finish('disks')
}

const chosen = new Set(process.argv.slice(2))
const isChosen = (name: string) => chosen.size === 0 || chosen.has(name)
if (isChosen('images')) {
  for (const mode of ['os', 'sync'] as const) await killImages(mode)
  for (const mode of ['os', 'interval', 'sync'] as const) await powerImages(mode)
}
if (isChosen('compaction')) {
  await compactions('process', 'os')
  for (const mode of ['os', 'sync'] as const) await compactions('power', mode)
}
if (isChosen('kills')) for (const plan of ['os', 'sync'] as const) await kills(plan)
if (isChosen('bits')) for (const isClean of [true, false]) await bitFlips(isClean)
if (isChosen('full')) for (const isKilled of [true, false]) await fullDisks(isKilled)
