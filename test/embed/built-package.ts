import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')

/**
 * The package that projects of tests use: this repository, or one that was made by `npm pack` and
 * installed (test/compat/package.test.ts).
 */
export const packageRoot = process.env['DOHLE_TEST_PACKAGE'] ?? root

/** Builds the package unless it is an installed one. */
export function buildPackage(): void {
  if (packageRoot === root) execFileSync(process.execPath, [join(root, 'scripts/build.mjs')])
}

/** Gives a project dohle, vitest and kafkajs. */
export function linkModules(project: string): void {
  const modules = join(project, 'node_modules')
  mkdirSync(modules, { recursive: true })
  symlinkSync(packageRoot, join(modules, 'dohle'))
  for (const name of ['vitest', 'kafkajs']) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
}
