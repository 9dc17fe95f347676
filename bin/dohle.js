#!/usr/bin/env node
import module from 'node:module'

// Node 22.8 and later keep compiled code between starts.
module.enableCompileCache?.()

try {
  await import('../dist/cli.js')
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !String(error.message).includes('cli.js'))
    throw error
  console.error('error: dohle is not built yet: run `npm run build` in its directory')
  process.exitCode = 70
}
