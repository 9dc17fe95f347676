// Declarations are for those who import the package: what its entries do not lead to is left out.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']+)\.ts'/g

/** Deletes what none of `entries` leads to in `folder`. */
export function keepReachable(folder, entries) {
  const reached = new Set()
  const waiting = entries.map((entry) => join(folder, entry))
  for (const file of waiting) {
    if (reached.has(file)) continue
    reached.add(file)
    for (const [, path] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      waiting.push(resolve(dirname(file), `${path}.d.ts`))
    }
  }
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = join(folder, name)
    if (file.endsWith('.d.ts') && existsSync(file) && !reached.has(file)) rmSync(file)
  }
}
