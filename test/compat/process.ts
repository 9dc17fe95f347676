import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A foreign program while it runs; everything it printed is kept. */
export class Program {
  readonly name: string
  readonly child: ChildProcessWithoutNullStreams
  stdout = ''
  stderr = ''
  readonly #exited: Promise<number>

  constructor(command: string, args: readonly string[], env: Record<string, string> = {}) {
    this.name = [command.split('/').at(-1), ...args.slice(-8)].join(' ')
    // With a process group of its own, so that what it starts can be killed with it.
    this.child = spawn(command, args, { env: { ...process.env, ...env }, detached: true })
    running.add(this)
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    // A program that ends does not read what is still written to it.
    this.child.stdin.on('error', () => {})
    this.#exited = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.stderr += String(error)
        resolve(127)
      })
      // After `close` nothing more is printed.
      this.child.once('close', (code, signal) => resolve(code ?? (signal ? 143 : 1)))
    })
    void this.#exited.then(() => running.delete(this))
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  get lines(): string[] {
    return this.stdout.split('\n').filter((line) => line !== '')
  }

  type(text: string): void {
    this.child.stdin.write(`${text}\n`)
  }

  endInput(): void {
    this.child.stdin.end()
  }

  /** Resolves with the exit code. */
  exited(): Promise<number> {
    return this.#exited
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    if (signal === 'SIGKILL') this.#killGroup()
    else if (!this.ended) this.child.kill(signal)
    return await this.#exited
  }

  /** Children that outlive it hold its output open, and it would not count as exited. */
  #killGroup(): void {
    try {
      if (this.child.pid !== undefined) process.kill(-this.child.pid, 'SIGKILL')
    } catch {
      // Nobody of it is there any more.
    }
  }

  /** Waits until `condition` holds for what was printed; rejects when the program ends before. */
  async printed(condition: (program: this) => boolean, timeoutMs = 60_000): Promise<void> {
    const deadline = AbortSignal.timeout(timeoutMs)
    while (!condition(this)) {
      if (this.ended) throw this.failure(`ended with exit code ${this.child.exitCode}`)
      const next = new AbortController()
      const signal = AbortSignal.any([deadline, next.signal])
      try {
        await Promise.race([
          once(this.child.stdout, 'data', { signal }),
          once(this.child.stderr, 'data', { signal }),
          once(this.child, 'close', { signal }),
        ])
      } catch {
        throw this.failure(`did not print what was expected in ${timeoutMs} ms`)
      } finally {
        next.abort()
      }
    }
  }

  failure(what: string): Error {
    return new Error(
      `${this.name}: ${what}\n${this.stderr.slice(-2_000)}\n${this.stdout.slice(-2_000)}`,
    )
  }
}

/** Programs started and not ended; a test that fails leaves none behind. */
const running = new Set<Program>()

export async function stopAllPrograms(except: readonly Program[] = []): Promise<void> {
  const others = [...running].filter((program) => !except.includes(program))
  await Promise.all(others.map((program) => program.stop('SIGKILL')))
}

/** Runs a program to its end with `input` on its standard input. */
export async function run(
  { command, args }: { command: string; args: readonly string[] },
  input = '',
  env: Record<string, string> = {},
): Promise<{ exitCode: number; stdout: string; stderr: string; lines: string[] }> {
  const program = new Program(command, args, env)
  program.child.stdin.end(input)
  const exitCode = await program.exited()
  return { exitCode, stdout: program.stdout, stderr: program.stderr, lines: program.lines }
}

/** As `run`, for programs that have to succeed: rejects with what they printed otherwise. */
export async function runWell(
  command: { command: string; args: readonly string[] },
  input = '',
): Promise<string[]> {
  const program = new Program(command.command, command.args)
  program.child.stdin.end(input)
  const exitCode = await program.exited()
  if (exitCode !== 0) throw program.failure(`exit code ${exitCode}`)
  return program.lines
}
