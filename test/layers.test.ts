import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const src = resolve(import.meta.dirname, '../src')

/** What each folder of src may import besides itself. */
const mayImport: Record<string, readonly string[]> = {
  base: [],
  protocol: ['base'],
  client: ['base', 'protocol'],
  settings: ['base', 'protocol'],
  storage: ['base', 'protocol'],
  coordinator: ['base', 'protocol'],
  broker: ['base', 'protocol', 'settings', 'storage', 'coordinator'],
  server: ['base', 'protocol', 'settings', 'storage', 'coordinator', 'broker'],
  embed: ['base', 'protocol', 'client', 'settings', 'storage', 'coordinator', 'broker', 'server'],
  'index.ts': ['base', 'protocol', 'broker', 'server', 'settings', 'storage', 'embed'],
  runners: ['base', 'index.ts'],
  cli: [
    'base',
    'protocol',
    'settings',
    'storage',
    'coordinator',
    'broker',
    'server',
    'embed',
    'index.ts',
    'client',
  ],
}

const sources = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => {
    const file = join(entry.parentPath, entry.name)
    return { name: relative(src, file), text: readFileSync(file, 'utf8') }
  })

/** What `file` imports, relative to src where it is ours. */
function importsOf(file: { name: string; text: string }): string[] {
  const specifiers = file.text.matchAll(/(?:^|\s|\()(?:from|import)\s*\(?\s*'([^']+)'/g)
  return [...specifiers].map(([, specifier = '']) =>
    specifier.startsWith('.') ? relative(src, resolve(src, file.name, '..', specifier)) : specifier,
  )
}

function layerOf(name: string): string {
  return name.split('/')[0] ?? ''
}

function violations(check: (name: string, imported: string) => boolean, folder = ''): string[] {
  return sources
    .filter(({ name }) => name.startsWith(folder))
    .flatMap((file) =>
      importsOf(file)
        .filter((imported) => check(file.name, imported))
        .map((imported) => `${file.name} imports ${imported}`),
    )
}

describe('layers', () => {
  it('are all known', () => {
    const unknown = new Set(sources.map(({ name }) => layerOf(name)))
    for (const known of Object.keys(mayImport)) unknown.delete(known)
    expect([...unknown]).toEqual([])
  })

  it('are imported downwards only', () => {
    const ours = new Set(Object.keys(mayImport))
    const upwards = violations((name, imported) => {
      const [from, to] = [layerOf(name), layerOf(imported)]
      return ours.has(to) && from !== to && !(mayImport[from] ?? []).includes(to)
    })
    expect(upwards).toEqual([])
  })

  it('reach the disk in storage/local through files.ts alone', () => {
    const direct = violations((name, imported) => {
      const isFiles = /^storage\/local\/(?:node-files|files)\.ts$/.test(name)
      return !isFiles && /^(?:node:)?fs(?:\/|$)/.test(imported)
    }, 'storage')
    expect(direct).toEqual([])
  })

  it('are pure in coordinators: no clock, chance, disk, network or log of their own', () => {
    const impureImport = /^(?:node:)?(?:fs|net|tls|timers|crypto|perf_hooks)(?:\/|$)|^pino$/
    const impureCall = /\b(?:Date\b|Math\.random|setTimeout|setInterval|setImmediate|performance\.)/
    const calls = sources
      .filter(({ name }) => name.startsWith('coordinator/'))
      .flatMap(({ name, text }) =>
        code(text)
          .split('\n')
          .filter((line) => impureCall.test(line))
          .map((line) => `${name}: ${line.trim()}`),
      )
    const imports = violations((_, imported) => impureImport.test(imported), 'coordinator/')
    expect([...imports, ...calls]).toEqual([])
  })
})

/** The text without its comments, which may speak of anything. */
function code(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}
