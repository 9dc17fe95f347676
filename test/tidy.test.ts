import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

/** Style that the linter cannot see; which layer may import which is in layers.test.ts. */

const root = resolve(import.meta.dirname, '..')

function filesUnder(folder: string): { name: string; text: string }[] {
  const path = join(root, folder)
  if (!existsSync(path)) return []
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|mjs|md|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ name: relative(root, file), text: readFileSync(file, 'utf8') }))
}

const sources = filesUnder('src')
const namesOf = (files: readonly { name: string }[]) => files.map(({ name }) => name)
const baseName = (name: string) => name.slice(name.lastIndexOf('/') + 1)

/** The text without its comments, which may speak of anything. */
function code(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '')
}

test('the protocol and the producer state are pure: no clock, chance, disk, network', () => {
  const impure = [
    /from '(?:node:)?(?:fs|net|tls|http|timers|crypto|child_process|perf_hooks|os)(?:\/[a-z]+)?'/,
    /\b(?:Date\.|new Date\b|Math\.random|setTimeout|setInterval|setImmediate|performance\.)/,
    /\bconsole\./,
    /from 'pino'/,
  ]
  // A WebAssembly module is a file.
  const exceptions = ['src/protocol/records/compression/zstd.ts']
  const pure = sources.filter(
    ({ name }) =>
      (name.startsWith('src/protocol/') && !exceptions.includes(name)) ||
      name === 'src/storage/local/producer-state.ts',
  )
  expect(pure.length).toBeGreaterThan(100)
  expect(namesOf(pure.filter(({ text }) => impure.some((what) => what.test(code(text)))))).toEqual(
    [],
  )
})

test('generated code comes from one file', () => {
  const generators = sources.filter(({ text }) => /\bnew Function\b|\beval\(/.test(code(text)))
  expect(namesOf(generators)).toEqual(['src/protocol/codec.ts'])
})

test('no file is a collection of leftovers', () => {
  const vague = /(?:^|-)(?:utils?|helpers?|managers?|misc|common|types)\.ts$/
  expect(namesOf(sources).filter((name) => vague.test(baseName(name)))).toEqual([])
})

test('only lists and entries are called index', () => {
  const allowed = [
    'src/index.ts',
    'src/protocol/index.ts',
    'src/protocol/apis/index.ts',
    'src/broker/handlers/index.ts',
  ]
  const indexes = namesOf(sources).filter((name) => baseName(name) === 'index.ts')
  expect(indexes.filter((name) => !allowed.includes(name))).toEqual([])
})

test('no file is longer than 600 lines (aim for 400)', () => {
  // Tables, one entry after the other.
  const tables = /^src\/(?:settings\/tables\/|protocol\/(?:apis|embedded)\/|cli\/generated\/)/
  const long = sources
    .filter(({ name }) => !tables.test(name))
    .map(({ name, text }) => ({ name, lines: text.split('\n').length }))
    .filter(({ lines }) => lines > 600)
  expect(long).toEqual([])
})

test('nothing names the machine it was written on', () => {
  const folders = ['src', 'test', 'docs', 'scripts', 'bench', 'examples']
  const places = /["'`( ]\/(?:work|root|home)\/[a-z]/
  const files = folders
    .flatMap(filesUnder)
    .filter(({ name }) => !name.startsWith('test/golden/') && name !== 'test/tidy.test.ts')
  expect(namesOf(files.filter(({ text }) => places.test(text)))).toEqual([])
})
