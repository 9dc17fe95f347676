// Brings node_modules in step with package-lock.json, without running any package's scripts.
import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './inputs.mjs'

const lock = join(root, 'package-lock.json')
const installedLock = join(root, 'node_modules/.dohle-lock')

export function install() {
  if (sameBytes(lock, installedLock)) return
  // To standard error: standard output belongs to the command that is being started.
  console.error('installing packages (once) ...')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { status, error } = spawnSync(
    npm,
    ['ci', '--ignore-scripts', '--include=dev', '--no-fund', '--no-audit', '--loglevel=error'],
    {
      cwd: root,
      stdio: ['ignore', process.stderr, process.stderr],
      shell: process.platform === 'win32',
    },
  )
  if (error) throw error
  if (status !== 0) throw new Error(`npm ci failed with exit code ${status}`)
  copyFileSync(lock, installedLock)
}

function sameBytes(one, other) {
  try {
    return readFileSync(one).equals(readFileSync(other))
  } catch {
    return false
  }
}
