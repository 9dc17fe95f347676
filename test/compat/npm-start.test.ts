import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Program, stopAllPrograms } from './process.ts'

const root = resolve(import.meta.dirname, '../..')
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dohle-npm-'))
})
afterEach(async () => {
  await stopAllPrograms()
  rmSync(directory, { recursive: true, force: true })
})

function npmStart(...args: string[]): Program {
  return new Program('npm', ['--prefix', root, 'start', '--', ...args])
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('npm start', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'passes arguments on, and %s to the broker',
    async (signal) => {
      const npm = npmStart('--port', '0', '--data', join(directory, 'data'))
      await npm.printed(({ stdout }) => stdout.includes('"msg":"ready"'))
      const pid = Number(/"pid":(\d+)/.exec(npm.stdout)?.[1])
      expect(isAlive(pid)).toBe(true)
      expect(await npm.stop(signal)).toBe(0)
      expect(isAlive(pid)).toBe(false)
      expect(npm.stdout).toContain('"msg":"stopped"')
    },
  )

  it('keeps the exit code', async () => {
    const npm = npmStart('--port', '65536')
    expect(await npm.exited()).toBe(2)
    expect(npm.stderr).toContain('error: --port 65536: use a number from 0 to 65535')
  })
})
