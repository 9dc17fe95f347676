import { parseCommandLine } from './command-line.ts'
import { isCommand } from './commands/command-names.ts'
import { ExitCode, StartError } from './exit-code.ts'

/**
 * The command. Arguments are read before the broker's code is loaded, so that --help, --version
 * and a mistyped option are answered at once.
 */
async function main(args: readonly string[]): Promise<void> {
  try {
    if (isCommand(args)) {
      const { runCommand } = await import('./commands/commands.ts')
      process.exitCode = await runCommand(args)
      return
    }
    const options = await parseCommandLine(args)
    if (!options) return
    const { start } = await import('./start.ts')
    await start(options)
  } catch (error) {
    process.exitCode = error instanceof StartError ? error.exitCode : ExitCode.INTERNAL
    const text = error instanceof StartError ? error.message : describeFault(error)
    process.stderr.write(`error: ${text}\n`)
  }
}

/** Not the user's doing, so the stack goes with it. */
function describeFault(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

await main(process.argv.slice(2))
