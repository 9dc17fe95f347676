import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { Output } from '../../../src/cli/commands/output.ts'

class Sink extends Writable {
  text = ''
  failWith: string | undefined

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    if (this.failWith) done(Object.assign(new Error(this.failWith), { code: this.failWith }))
    else {
      this.text += chunk
      done()
    }
  }
}

describe('output', () => {
  it('lays tables out by their widest cells, numbers to the right', () => {
    const sink = new Sink()
    const rows = [
      ['orders', 1, 10],
      ['a', 12, '-'],
    ]
    new Output(sink).table(['TOPIC', 'PARTITION', 'END'], rows)
    expect(sink.text).toBe('TOPIC   PARTITION  END\norders          1   10\na              12  -\n')
  })

  it('has no colours and one line of JSON when it is no terminal', () => {
    const sink = new Sink()
    const out = new Output(sink)
    out.json({ a: [1] })
    out.line(out.paint('text', 31))
    expect(sink.text).toBe('{"a":[1]}\ntext\n')
  })

  it('goes quiet when its reader has gone, which is no error', async () => {
    const sink = new Sink()
    sink.failWith = 'EPIPE'
    const out = new Output(sink)
    const gone = new Promise((resolve) => out.gone.addEventListener('abort', resolve))
    out.line('a')
    await gone
    expect(out.write('b')).toBeUndefined()
  })
})
