import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kafkaTool, kafkaTools } from './kafka-tools.ts'

/** Puts Kafka's scripts into `folder` by their usual names, for commands as people type them. */
export function writeScriptFiles(folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const tool of kafkaTools) {
    const { command, args } = kafkaTool(tool, [])
    const words = [command, ...args].map((word) => `'${word}'`).join(' ')
    writeFileSync(join(folder, `${tool}.sh`), `#!/bin/sh\nexec ${words} "$@"\n`)
    chmodSync(join(folder, `${tool}.sh`), 0o755)
  }
}
