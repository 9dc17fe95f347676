import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../../..')

export interface Result {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Where commands run: a scratch directory, and no broker but the one they are told of. */
export class Bench {
  readonly directory = mkdtempSync(join(tmpdir(), 'dohle-commands-'))
  readonly #children = new Set<ChildProcess>()
  #servers = ''

  /** A broker in memory, which commands find in their environment. */
  async startBroker(...args: string[]): Promise<number> {
    const broker = this.spawn('--port', '0', '--memory', ...args)
    const ready = await broker.printed(/"port":(\d+).*"msg":"ready"/)
    this.#servers = `localhost:${ready[1]}`
    return Number(ready[1])
  }

  spawn(...args: string[]): Command {
    const command = new Command(args, this.directory, this.#servers)
    this.#children.add(command.child)
    return command
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], input = ''): Promise<Result> {
    const command = this.spawn(...args)
    command.child.stdin?.end(input)
    const exitCode = await command.ended()
    return { exitCode, stdout: command.stdout, stderr: command.stderr }
  }

  /** What a command prints that has to succeed. */
  async print(args: readonly string[], input = ''): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(args, input)
    if (exitCode !== 0) throw new Error(`${args.join(' ')}: exit code ${exitCode}: ${stderr}`)
    return stdout
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    rmSync(this.directory, { recursive: true, force: true })
  }
}

export class Command {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  readonly #closed: Promise<unknown>

  constructor(args: readonly string[], directory: string, servers: string) {
    this.child = spawn(process.execPath, [join(root, 'bin/dohle.js'), ...args], {
      cwd: directory,
      env: {
        ...process.env,
        XDG_CACHE_HOME: join(directory, 'cache'),
        KAFKA_BOOTSTRAP_SERVERS: servers,
        KAFKA_BROKERS: '',
      },
    })
    this.child.stdin?.on('error', () => {})
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.#closed = once(this.child, 'close')
  }

  async ended(): Promise<number | null> {
    await this.#closed
    return this.child.exitCode
  }

  /** Waits until something like it stands on standard output, or error. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr)
      if (match) return match
      if (this.child.exitCode !== null) throw new Error(`ended: ${this.stdout}${this.stderr}`)
      await Promise.race([
        once(this.child.stdout!, 'data'),
        once(this.child.stderr!, 'data'),
        this.#closed,
      ])
    }
  }
}
