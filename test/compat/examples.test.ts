import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { run } from './process.ts'
import { tools } from './tools.mjs'

const root = resolve(import.meta.dirname, '../..')
const copies: string[] = []

afterEach(() => {
  for (const copy of copies.splice(0)) rmSync(copy, { recursive: true })
})

/** Tests may leave files behind. */
function copyOf(example: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'dohle-example-'))
  copies.push(copy)
  cpSync(join(root, 'examples', example), copy, { recursive: true })
  return copy
}

/** `dohle run --memory --port 0 --control-port 0 --topic orders:3 -- COMMAND`, in a folder. */
async function runBesideBroker(folder: string, command: readonly string[]) {
  const options = ['--memory', '--port', '0', '--control-port', '0', '--topic', 'orders:3']
  const program = [
    process.execPath,
    join(root, 'bin/dohle.js'),
    'run',
    ...options,
    '--',
    ...command,
  ]
  const words = program.map((word) => `'${word}'`).join(' ')
  const { stdout, stderr, exitCode } = await run({
    command: 'sh',
    args: ['-c', `cd '${folder}' && exec ${words}`],
  })
  return { exitCode, output: `${stdout}\n${stderr}` }
}

it('examples/pytest passes its own tests', async () => {
  const command = [tools.examplePython, '-m', 'pytest', '-q', '-p', 'no:cacheprovider']
  const { exitCode, output } = await runBesideBroker(copyOf('pytest'), command)
  expect(output).toContain('3 passed')
  expect(exitCode).toBe(0)
})

it('examples/go passes its own tests', async () => {
  const command = ['go', 'test', '-count=1', '-v', './...']
  const { exitCode, output } = await runBesideBroker(copyOf('go'), command)
  expect(output).toContain('--- PASS: TestSendsAndReads')
  expect(output).toContain('--- PASS: TestALostAnswerMakesNoDuplicate')
  expect(exitCode).toBe(0)
})

it('examples/junit passes its own tests', async () => {
  const { exitCode, output } = await runBesideBroker(copyOf('junit'), ['mvn', '-B', 'test'])
  expect(output).toMatch(/Tests run: 3, Failures: 0, Errors: 0, Skipped: 0/)
  expect(exitCode).toBe(0)
})

it('examples/nestjs passes its own tests, under Jest', async () => {
  const copy = copyOf('nestjs')
  cpSync(tools.exampleNestModules, join(copy, 'node_modules'), { recursive: true })
  symlinkSync(root, join(copy, 'node_modules/dohle'))
  // With a broker for the whole run besides the one of the file.
  writeFileSync(
    join(copy, 'test/shared.spec.ts'),
    `import { sharedBroker } from 'dohle/jest'
     test('the shared broker is another one', async () => {
       const kafka = await sharedBroker()
       expect(process.env.KAFKA_BROKERS).toBe(kafka.bootstrapServers)
       expect(await kafka.topics()).toEqual([])
     })`,
  )
  const { stdout, stderr, exitCode } = await run({
    command: 'sh',
    args: ['-c', `cd '${copy}' && exec node_modules/.bin/jest --globalSetup dohle/jest`],
  })
  expect(`${stdout}\n${stderr}`).toMatch(/Tests:\s+3 passed, 3 total/)
  expect(exitCode).toBe(0)
})
