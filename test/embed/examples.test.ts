import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { buildPackage, linkModules, root } from './built-package.ts'

vi.setConfig({ testTimeout: 60_000 })

beforeAll(buildPackage, 120_000)

/** Those that need Node alone; test/compat runs the others. */
const examples: [name: string, args: string[], result: RegExp][] = [
  ['vitest', [join(root, 'node_modules/vitest/vitest.mjs'), 'run'], /Tests\s+3 passed/],
  ['outbox', ['--test'], /pass 4\n/],
]

test.each(examples)('examples/%s passes its own tests', (name, args, result) => {
  const project = mkdtempSync(join(tmpdir(), 'dohle-example-'))
  try {
    cpSync(join(root, 'examples', name), project, { recursive: true })
    linkModules(project)
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
