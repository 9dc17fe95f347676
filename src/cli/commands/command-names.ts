/**
 * The commands besides `start`, for the help and to tell them from options: their code is loaded
 * only when one is asked for.
 */
export const COMMANDS: Readonly<Record<string, string>> = {
  run: 'start a broker for as long as another command runs',
  wait: 'wait until a broker answers, and topics are there',
  ping: 'ask a broker whether it answers',
  stop: 'stop a dohle of this machine',
  broker: 'take one of several brokers down, and bring it back',
  topic: 'list, create, describe, alter and delete topics',
  produce: 'send records from standard input',
  consume: 'print records',
  tail: 'print the last records, and those that come',
  group: 'list, describe, reset and delete groups',
  config: 'print the settings of a start; get and set those of topics and brokers',
  doctor: 'find what keeps a broker from starting, or clients from reaching it',
  completion: 'print a script that completes commands in bash or zsh',
}

/** What completion scripts call. */
export const COMPLETION_OPTION = '--get-yargs-completions'

export function isCommand(args: readonly string[]): boolean {
  return Object.hasOwn(COMMANDS, args[0] ?? '') || args.includes(COMPLETION_OPTION)
}

export function commandList(): string {
  const lines = Object.entries(COMMANDS).map(([name, text]) => `  dohle ${name.padEnd(11)} ${text}`)
  return `Commands (dohle COMMAND --help tells more):\n${lines.join('\n')}`
}
