import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { GroupScenario } from './group-scenario.ts'

const folder = join(import.meta.dirname, 'scenarios')

/** Scripts with what they bring about; see group-scenario.ts for how to read and write them. */
describe('group coordinator scenarios', () => {
  for (const name of readdirSync(folder)) {
    test(name.replace('.txt', '').replaceAll('-', ' '), async () => {
      const file = join(folder, name)
      const outcome = await new GroupScenario().run(readFileSync(file, 'utf8'))
      await expect(outcome).toMatchFileSnapshot(file)
    })
  }
})
