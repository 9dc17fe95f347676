// npm test: installs, builds, lints, checks types, and runs every test that needs Node alone.
// npm run test:compat: brings the foreign clients and runs test/compat with them.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildCommand, buildLibrary } from './build.mjs'
import { root } from './inputs.mjs'
import { install } from './install.mjs'

const compat = process.argv.includes('--compat')
const rest = process.argv.slice(2).filter((argument) => argument !== '--compat')

const name = compat ? 'compat' : 'unit'
// What an earlier run left must not stand for this one.
rmSync(join(root, '.cache', `${name}.json`), { force: true })
// .ci/run adds the figures of both runs up from these files.
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=.cache/${name}.json`]

install()
await buildCommand()
await buildLibrary()
if (compat) {
  run('node', [join(root, 'test/compat/provision.mjs')])
  run('vitest', ['run', '--config', 'vitest.compat.config.ts', ...reporters, ...rest])
} else {
  run('biome', ['ci', '.'])
  run('tsc', ['--noEmit'])
  run('vitest', ['run', ...reporters, ...rest])
}

function run(tool, args) {
  const bin = join(root, 'node_modules/.bin')
  const separator = process.platform === 'win32' ? ';' : ':'
  const { status, signal } = spawnSync(tool, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: { ...process.env, PATH: `${bin}${separator}${process.env.PATH}` },
  })
  if (status !== 0) process.exit(signal ? 1 : (status ?? 1))
}
