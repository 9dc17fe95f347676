/** What the process answers with; docs/CLI.md shows this table to users, a test compares them. */
export const ExitCode = {
  /** Stopped as asked. */
  OK: 0,
  /** A fault of dohle itself. */
  INTERNAL: 1,
  /** The command line is wrong. */
  USAGE: 2,
  /** A configuration file cannot be read, or a setting has a value that is not allowed. */
  CONFIGURATION: 3,
  /** The address cannot be listened on. */
  ADDRESS: 4,
  /** The data directory is in use by another process. */
  DIRECTORY_LOCKED: 5,
  /** The data directory belongs to another cluster or broker, or has a newer format. */
  DIRECTORY_MISMATCH: 6,
  /** The data directory cannot be used: rights, space, damage. */
  DIRECTORY_UNUSABLE: 7,
  /** No broker answers. */
  UNREACHABLE: 8,
  /** A broker answered with an error. */
  REFUSED: 9,
  /** What was waited for did not come in time. */
  NOT_IN_TIME: 10,
  /** `doctor` found something wrong. */
  UNHEALTHY: 11,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** A signal that ends a process at once is told to the parent as 128 and its number. */
export const EXIT_CODE_SIGNAL_BASE = 128

/** An outcome the user can do something about: one line that says what, where and how to fix it. */
export class StartError extends Error {
  override readonly name = 'StartError'
  /** An `ExitCode`, or that of a command that was run. */
  readonly exitCode: number

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
