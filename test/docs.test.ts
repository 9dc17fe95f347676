import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freshPage } from '../scripts/compatibility-table.ts'
import { isSettingsPageFresh } from '../scripts/settings-page.ts'
import { ExitCode } from '../src/cli/exit-code.ts'

const docs = resolve(import.meta.dirname, '../docs')

describe('the documentation', () => {
  it('lists the APIs that are answered (npm run docs writes the table)', () => {
    expect(freshPage().isFresh).toBe(true)
  })

  it('lists every setting (npm run docs writes the page)', () => {
    expect(isSettingsPageFresh()).toBe(true)
  })

  it('lists every exit code', () => {
    const text = readFileSync(resolve(docs, 'CLI.md'), 'utf8')
    const listed = [...text.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))
    expect(listed).toEqual(Object.values(ExitCode))
  })
})
