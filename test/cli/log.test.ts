import { describe, expect, it } from 'vitest'
import { createLog, readableLine } from '../../src/cli/log.ts'

const time = new Date(2026, 0, 2, 14, 2, 11, 42).getTime()

describe('the log', () => {
  it('is a line for a person on a terminal: time, level, message, fields', () => {
    const entry = { level: 40, time, pid: 1, msg: 'connection refused', client: '127.0.0.1', n: 2 }
    expect(readableLine(entry, false)).toBe(
      '14:02:11.042 warn  connection refused  client=127.0.0.1 n=2\n',
    )
  })

  it('quotes values that are not one word, so that no client can fake a line', () => {
    const entry = { level: 30, time, msg: 'm', a: 'two words', b: 'x\ny', c: { d: 1 }, e: '' }
    expect(readableLine(entry, false)).toBe(
      '14:02:11.042 info  m  a="two words" b="x\\ny" c={"d":1} e=""\n',
    )
  })

  it('shows the stack of a bug', () => {
    const entry = { level: 50, time, msg: 'bug', err: { stack: 'Error: x\n    at y' } }
    expect(readableLine(entry, false)).toBe('14:02:11.042 error bug\nError: x\n    at y\n')
  })

  it('colors levels only where asked', () => {
    expect(readableLine({ level: 50, time, msg: 'm' }, true)).toContain('\u001b[31merror\u001b[0m')
  })

  it('is one JSON object a line otherwise', () => {
    const lines: string[] = []
    const out = { write: (line: string) => lines.push(line) }
    const log = createLog({ level: 'info', readable: false, colors: false, out })
    log.debug({ n: 1 }, 'not at this level')
    log.warn({ client: 'a' }, 'message')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 40,
      time: expect.any(Number),
      pid: process.pid,
      client: 'a',
      msg: 'message',
    })
  })
})
