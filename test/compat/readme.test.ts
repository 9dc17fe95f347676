import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { brokerForThisFile } from './broker.ts'
import { run } from './process.ts'
import { writeScriptFiles } from './script-files.ts'

const broker = brokerForThisFile()

/** A command of the README and what it prints below it. */
interface Step {
  readonly command: string
  readonly output: string[]
}

function walk(): Step[] {
  const text = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8')
  const section = text.split('## Five minutes')[1]?.split('\n## ')[0] ?? ''
  const steps: Step[] = []
  for (const [, block = ''] of section.matchAll(/```console\n([\s\S]*?)```/g)) {
    for (const line of block.split('\n')) {
      if (line.startsWith('$ ')) steps.push({ command: line.slice(2), output: [] })
      else if (line !== '') steps.at(-1)?.output.push(normal(line))
    }
  }
  return steps
}

/** Empty lines, and what Kafka's clients say of themselves. */
const NOISE = /^\s*$|^\[\d{4}-|^The consumer rebalance protocol/

/** Ids differ from run to run; blanks at the end are not seen. */
function normal(line: string): string {
  return line.replace(/TopicId: \S+/, 'TopicId: ID').trimEnd()
}

/** A folder with Kafka's scripts by their usual names. */
function scripts(): string {
  const folder = join(mkdtempSync(join(tmpdir(), 'dohle-readme-')), 'bin')
  writeScriptFiles(folder)
  return folder
}

it("is true, each command of the README's walk, and what it says is printed", async () => {
  const steps = walk()
  expect(steps.length).toBeGreaterThan(8)
  const env = { PATH: `${scripts()}${delimiter}${process.env['PATH']}` }
  for (const { command, output } of steps) {
    const shell = command.replaceAll('localhost:9092', broker.bootstrap)
    const { stdout, stderr, exitCode } = await run({ command: 'sh', args: ['-c', shell] }, '', env)
    const printed = `${stdout}\n${stderr}`.split('\n').filter((line) => !NOISE.test(line))
    expect([exitCode, ...printed.map(normal)], command).toEqual([0, ...output])
  }
})
