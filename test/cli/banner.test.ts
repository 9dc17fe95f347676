import { expect, it } from 'vitest'
import { readyLines } from '../../src/cli/banner.ts'

it('what is printed at the start names every address that answers', () => {
  const lines = (others: Parameters<typeof readyLines>[1]) =>
    readyLines(['localhost:9092', '[::1]:9093'], others, 189.6).split('\n')
  const first = ['  Kafka    localhost:9092', '           [::1]:9093']
  const last = ['  ready in 190 ms · Ctrl-C to stop', '']
  expect(lines({})).toEqual([...first, ...last])
  expect(lines({ http: '127.0.0.1:8080', control: 'http://127.0.0.1:1' })).toEqual([
    ...first,
    '  Health   http://127.0.0.1:8080/readyz and /metrics',
    '  Control  http://127.0.0.1:1',
    ...last,
  ])
})
