import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { playScenario } from './scenario.ts'

const folder = join(import.meta.dirname, 'scenarios')

describe('a transactional id', () => {
  for (const name of readdirSync(folder).sort()) {
    it(name.replace(/\.txt$/, '').replaceAll('-', ' '), async () => {
      const file = join(folder, name)
      await expect(playScenario(file)).toMatchFileSnapshot(file)
    })
  }
})
