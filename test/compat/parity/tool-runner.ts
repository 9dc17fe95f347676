import { javaProgram, type KafkaTool, toolClasses } from '../kafka-tools.ts'
import { Program } from '../process.ts'

/** It runs what the tools leave for the end of the JVM. */
const OPEN = ['--add-opens', 'java.base/java.lang=ALL-UNNAMED']

export interface ToolResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** One JVM that runs Kafka's tools one after the other: starting one takes longer than most tools. */
export class ToolRunner {
  readonly #program: Program
  #answered = 0

  constructor() {
    const { command, args } = javaProgram('ToolRunner', [], OPEN)
    this.#program = new Program(command, args)
  }

  async run(tool: KafkaTool, args: readonly string[], input: string): Promise<ToolResult> {
    this.#program.type(JSON.stringify({ main: toolClasses[tool], args, input }))
    const line = ++this.#answered
    await this.#program.printed(({ stdout }) => stdout.split('\n').length > line, 180_000)
    return JSON.parse(this.#program.lines[line - 1] ?? '')
  }

  async stop(): Promise<void> {
    await this.#program.stop('SIGKILL')
  }
}
