// npm start: from a fresh clone with nothing but Node and npm to a running broker. Arguments after
// `--` are dohle's own. The command runs in this process, so signals and the exit code are its own.
import { buildCommand } from './build.mjs'
import { install } from './install.mjs'

install()
await buildCommand()
// What the command says of its own start leaves installing and building out.
performance.mark('dohle:start')
await import('../bin/dohle.js')
