import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ExitCode } from '../../src/cli/exit-code.ts'
import { Bench } from './commands/dohle-process.ts'

/** What takes a process of its own: signals, pipes, brokers that come and go. */

const root = resolve(import.meta.dirname, '../..')
const bench = new Bench()
const print = (args: readonly string[], input?: string) => bench.print(args, input)
const run = (args: readonly string[], input?: string) => bench.run(args, input)
const lines = (text: string) => text.split('\n').filter((line) => line !== '')

beforeAll(async () => {
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs')])
  await bench.startBroker('--topic', 'orders:3')
}, 60_000)
afterAll(() => bench.close())

describe('a client command', () => {
  it('are followed as they come, until Ctrl-C', async () => {
    const tail = bench.spawn('tail', 'later', '-f', '%v\\n')
    await tail.printed(/later is not there yet: waiting for it/)
    await print(['produce', 'later'], 'first\n')
    await tail.printed(/first/)
    await print(['produce', 'later'], 'second\n')
    await tail.printed(/first\nsecond/)
    tail.child.kill('SIGINT')
    expect(await tail.ended()).toBe(130)
    expect(tail.stderr).toBe('later is not there yet: waiting for it\n')
  })

  it('send what was typed before Ctrl-C, and end at once when the broker refuses', async () => {
    const typed = bench.spawn('produce', 'typed')
    typed.child.stdin!.write('a\nb\nc')
    await expect
      .poll(() => print(['consume', 'typed', '-e', '-f', '%v']).catch(() => ''))
      .toBe('ab')
    typed.child.kill('SIGINT')
    expect(await typed.ended()).toBe(130)
    expect(typed.stderr).toBe('2 records to typed\n')
    expect(await print(['consume', 'typed', '-e', '-f', '%v'])).toBe('ab')

    await print(['topic', 'create', 'small', '-c', 'max.message.bytes=100'])
    const refused = bench.spawn('produce', 'small')
    refused.child.stdin!.write(`${'x'.repeat(200)}\n`)
    expect(await refused.ended()).toBe(ExitCode.REFUSED)
    expect(refused.stderr).toMatch(/^error: MESSAGE_TOO_LARGE: /)
  })

  it('stop without a word when nobody reads them any more', async () => {
    await print(['produce', 'endless'], 'line\n'.repeat(100_000))
    const consume = bench.spawn('consume', 'endless', '-f', '%v %o\\n')
    await once(consume.child.stdout!, 'data')
    consume.child.stdout!.destroy()
    expect(await consume.ended()).toBe(0)
    expect(consume.stderr).toBe('')
  })

  it('share the partitions of a topic, and are not moved under their members', async () => {
    await print(['topic', 'create', 'shared:2'])
    const members = ['one', 'two'].map(() =>
      bench.spawn('consume', 'shared', '-g', 'pair', '-f', '%v\\n'),
    )
    const described = async () =>
      JSON.parse(await print(['group', 'describe', 'pair', '--json']))[0]
    const assigned = async () => {
      const group = await described().catch(() => undefined)
      return (group?.members ?? []).filter(
        ({ assignment }: { assignment: unknown[] }) => assignment.length === 1,
      ).length
    }
    await expect.poll(assigned, { timeout: 15_000 }).toBe(2)
    await print(['produce', 'shared', '-p', '0'], 'zero\n')
    await print(['produce', 'shared', '-p', '1'], 'one\n')
    await expect
      .poll(() => members.map(({ stdout }) => stdout).toSorted())
      .toEqual(['one\n', 'zero\n'])
    expect(await run(['group', 'reset', 'pair', '--topic', 'shared'])).toMatchObject({
      exitCode: ExitCode.REFUSED,
      stderr: 'error: NON_EMPTY_GROUP: pair has 2 members: stop them first\n',
    })
    // Both commit what they have read and leave at once.
    for (const { child } of members) child.kill('SIGTERM')
    for (const member of members) expect(await member.ended()).toBe(143)
    expect(await described()).toMatchObject({ state: 'Empty', lag: 0 })
  })

  it('see a topic that comes while they wait', async () => {
    const waiting = bench.spawn('wait', '--topic', 'awaited')
    await print(['topic', 'create', 'awaited'])
    expect(await waiting.ended()).toBe(0)
  })

  it('completes commands', async () => {
    expect(lines(await print(['--get-yargs-completions', 'dohle', 'group', '']))).toEqual(
      expect.arrayContaining(['list', 'describe', 'reset', 'delete']),
    )
    expect(await print(['completion'])).toContain('dohle')
  })
})

describe('run', () => {
  const script = (text: string) => [process.execPath, '-e', text]

  it('gives a command a broker, and answers with its exit code', async () => {
    const text = `
      const { execFileSync } = require('node:child_process')
      const { KAFKA_BROKERS, KAFKA_BOOTSTRAP_SERVERS } = process.env
      if (KAFKA_BROKERS !== KAFKA_BOOTSTRAP_SERVERS) throw new Error(KAFKA_BROKERS)
      const dohle = ${JSON.stringify(join(root, 'bin/dohle.js'))}
      console.log(execFileSync(process.execPath, [dohle, 'topic', 'list']).toString().trim())
      process.exitCode = 7`
    const start = ['--port', '0', '--memory', '--topic', 'inside:2']
    expect(await run(['run', ...start, '--', ...script(text)])).toEqual({
      exitCode: 7,
      stdout: 'inside\n',
      stderr: '',
    })
  })

  it('passes signals on and waits for the command', async () => {
    const text = `
      process.on('SIGTERM', () => { console.log('bye'); process.exit(3) })
      setInterval(() => {}, 1000)
      console.log('up')`
    const running = bench.spawn('run', '--port', '0', '--memory', '--', ...script(text))
    await running.printed(/up\n/)
    running.child.kill('SIGTERM')
    expect(await running.ended()).toBe(3)
    expect(running.stdout).toBe('up\nbye\n')
  })

  it('says when there is no command, or no such', async () => {
    expect(await run(['run', '--memory'])).toMatchObject({
      exitCode: ExitCode.USAGE,
      stderr: 'error: run: which command? dohle run -- COMMAND ...\n',
    })
    expect(await run(['run', '--port', '0', '--memory', '--', './nope'])).toMatchObject({
      exitCode: 127,
      stderr: 'error: cannot run ./nope: there is no such command\n',
    })
  })
})

describe('stop', () => {
  it('stops the dohle of a port or a directory, and says when there is none', async () => {
    const first = bench.spawn('--port', '0', '--memory')
    const [, firstPort = ''] = await first.printed(/"port":(\d+).*"msg":"ready"/)
    expect(await print(['stop', '--port', firstPort])).toBe(
      `stopped the dohle on port ${firstPort} (pid ${first.child.pid})\n`,
    )
    expect(await first.ended()).toBe(0)
    const second = bench.spawn('--port', '0', '--data', './here')
    await second.printed(/"msg":"ready"/)
    expect(await print(['stop', '--data', 'here'])).toContain(`(pid ${second.child.pid})`)
    expect(await second.ended()).toBe(0)
    expect(await run(['stop', '--port', firstPort])).toMatchObject({
      exitCode: ExitCode.UNREACHABLE,
      stderr: `error: no dohle of this user listens on port ${firstPort}\n`,
    })
  })
})
