// Which files went into a result, and whether they changed since: size and time of each, so that a
// second run costs a directory walk and nothing else.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

function* filesUnder(path) {
  if (!statSync(path).isDirectory()) {
    yield path
    return
  }
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory() && entry.name !== 'node_modules')
      yield* filesUnder(join(path, entry.name))
    else if (entry.isFile()) yield join(path, entry.name)
  }
}

/** One hash over names, sizes and times of everything under `paths` (relative to the repository). */
export function fingerprint(paths) {
  const hash = createHash('sha256').update(process.version)
  for (const path of paths) {
    for (const file of [...filesUnder(join(root, path))].sort()) {
      const { size, mtimeMs } = statSync(file)
      hash.update(`${file}\0${size}\0${mtimeMs}\n`)
    }
  }
  return hash.digest('hex')
}

/**
 * Runs `work` unless `stamp` says that it was done for the same inputs and `results` are all there.
 * The stamp is taken away first, so that work cut off half-way is done again.
 */
export async function whenChanged({ stamp, inputs, results }, work) {
  const stampFile = join(root, stamp)
  const now = fingerprint(inputs)
  if (read(stampFile) === now && results.every((result) => exists(join(root, result)))) return false
  rmSync(stampFile, { force: true })
  await work()
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, now)
  return true
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function exists(path) {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
