import { Readable, Writable } from 'node:stream'
import { runCommand } from '../../../src/cli/commands/commands.ts'
import { StartError } from '../../../src/cli/exit-code.ts'
import type { Result } from './dohle-process.ts'

class Sink extends Writable {
  text = ''

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk
    done()
  }
}

/** Runs a command to its end in this process, as main.ts does in one of its own. */
export async function runInProcess(
  args: readonly string[],
  servers: string,
  input = '',
): Promise<Result> {
  const [stdout, stderr] = [new Sink(), new Sink()]
  const env = { KAFKA_BOOTSTRAP_SERVERS: servers }
  const world = { stdin: Readable.from([Buffer.from(input)]), stdout, stderr, env }
  try {
    const exitCode = await runCommand(args, world)
    return { exitCode, stdout: stdout.text, stderr: stderr.text }
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    const text = `${stderr.text}error: ${error.message}\n`
    return { exitCode: error.exitCode, stdout: stdout.text, stderr: text }
  }
}
