import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

vi.setConfig({ testTimeout: 60_000 })

beforeAll(() => {
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs')])
}, 120_000)

/** Those that need Node alone; test/compat runs the others. */
const examples: [name: string, args: string[], result: RegExp][] = [
  ['vitest', [join(root, 'node_modules/vitest/vitest.mjs'), 'run'], /Tests\s+3 passed/],
  ['outbox', ['--test'], /pass 4\n/],
]

test.each(examples)('examples/%s passes its own tests', (name, args, result) => {
  const project = mkdtempSync(join(tmpdir(), 'dohle-example-'))
  try {
    cpSync(join(root, 'examples', name), project, { recursive: true })
    mkdirSync(join(project, 'node_modules'))
    symlinkSync(root, join(project, 'node_modules/dohle'))
    for (const one of ['vitest', 'kafkajs']) {
      symlinkSync(join(root, 'node_modules', one), join(project, 'node_modules', one))
    }
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: project,
      encoding: 'utf8',
      env: { ...process.env, VITEST: '', NO_COLOR: '1', FORCE_COLOR: '0' },
    })
    expect(`${stdout}\n${stderr}`).toMatch(result)
    expect(status).toBe(0)
  } finally {
    rmSync(project, { recursive: true })
  }
})
