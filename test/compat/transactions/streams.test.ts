import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { Dohle } from '../broker.ts'
import { javaProgram, streamsProgram } from '../kafka-tools.ts'
import { Program, runWell, stopAllPrograms } from '../process.ts'
import { tools } from '../tools.mjs'
import { freePort } from './free-port.ts'

const KILLS = 4
/** Counts that come out between two kills. */
const COUNTED_BETWEEN = 500

const patience = { timeout: 240_000, interval: 1_000 }

afterEach(() => stopAllPrograms())

function program({ command, args }: { command: string; args: readonly string[] }): Program {
  return new Program(command, args)
}

/** `digit count` of everything that is committed. */
async function counts(bootstrap: string): Promise<string[]> {
  const args = ['-C', '-q', '-e', '-o', 'beginning', '-t', 'counts', '-p', '0']
  const isolation = ['-X', 'isolation.level=read_committed']
  return await runWell({
    command: tools.kcat,
    args: ['-b', bootstrap, ...isolation, ...args, '-f', '%k %s\\n'],
  })
}

/** Where the counts end, markers included. */
async function endOfCounts(bootstrap: string): Promise<number> {
  const args = ['-b', bootstrap, '-Q', '-t', 'counts:0:-1']
  const [line = ''] = await runWell({ command: tools.kcat, args })
  return Number(/offset (\d+)/.exec(line)?.[1])
}

it(`Kafka Streams counts exactly once over ${KILLS} kills of the broker`, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'dohle-streams-'))
  const port = ['--port', `${await freePort()}`]
  const start = () => Dohle.start([...port, '--topic', 'numbers', '--topic', 'counts'], directory)
  let dohle = await start()
  const { bootstrap } = dohle
  const state = mkdtempSync(join(tmpdir(), 'dohle-streams-state-'))
  const counter = program(
    streamsProgram('ExactlyOnceCount', [bootstrap, 'numbers', 'counts', state]),
  )
  const writer = program(javaProgram('IdempotentWriter', [bootstrap, 'numbers', '0']))
  for (let kill = 0; kill < KILLS; kill++) {
    const before = await endOfCounts(bootstrap)
    const wanted = before + COUNTED_BETWEEN
    await expect.poll(() => endOfCounts(bootstrap), patience).toBeGreaterThan(wanted)
    await dohle.program.stop('SIGKILL')
    dohle = await start()
  }
  writer.endInput()
  expect(await writer.exited(), writer.stderr).toBe(0)
  const numbers = writer.lines.length
  const counted = async () => (await counts(bootstrap)).length
  await expect.poll(counted, patience).toBeGreaterThanOrEqual(numbers)
  const found = new Map<string, string[]>()
  for (const line of await counts(bootstrap)) {
    const [digit = '', count = ''] = line.split(' ')
    const before = found.get(digit)
    if (before) before.push(count)
    else found.set(digit, [count])
  }
  for (let digit = 0; digit < 10; digit++) {
    const total = Math.ceil((numbers - digit) / 10)
    const expected = Array.from({ length: total }, (_, index) => `${index + 1}`)
    expect(found.get(`${digit}`), `counts of ${digit}`).toEqual(expected)
  }
  counter.endInput()
  expect(await counter.exited(), counter.stderr).toBe(0)
  expect(await dohle.stop()).toBe(0)
  console.info(`${numbers} numbers counted exactly once over ${KILLS} kills`)
  rmSync(directory, { recursive: true })
  rmSync(state, { recursive: true })
}, 1_500_000)
