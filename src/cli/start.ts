import type { StartOptions } from './command-line.ts'
import { ExitCode, StartError } from './exit-code.ts'

export async function start(_options: StartOptions): Promise<void> {
  throw new StartError(ExitCode.INTERNAL, 'the broker is not part of this build yet')
}
