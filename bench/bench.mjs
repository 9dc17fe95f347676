// npm run bench [-- --quick --rounds N --write]: dohle and Apache Kafka side by side.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { buildCommand } from '../scripts/build.mjs'
import { root } from '../scripts/inputs.mjs'
import { install } from '../scripts/install.mjs'

install()
await buildCommand()
run(process.execPath, [join(root, 'test/compat/provision.mjs')])
run(join(root, 'node_modules/.bin/tsx'), [join(root, 'bench/main.ts'), ...process.argv.slice(2)])

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
