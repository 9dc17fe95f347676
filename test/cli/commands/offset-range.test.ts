import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../../src/cli/commands/duration.ts'
import { parseOffsetRange } from '../../../src/cli/commands/offset-range.ts'

const NOW_MS = Date.parse('2024-03-01T12:00:00Z')
const HOUR_MS = 3_600_000
const time = (text: string) => ({ at: 'time', timestamp: Date.parse(text) })

describe('offsets', () => {
  const start = { at: 'start' }
  it.each([
    ['start', start, undefined],
    ['end', { at: 'end' }, undefined],
    ['42', { at: 'offset', offset: 42 }, undefined],
    ['42:', { at: 'offset', offset: 42 }, undefined],
    ['+5', { at: 'after start', count: 5 }, undefined],
    ['-10', { at: 'before end', count: 10 }, undefined],
    [':end', start, { at: 'end' }],
    [':7', start, { at: 'offset', offset: 7 }],
    ['3:7', { at: 'offset', offset: 3 }, { at: 'offset', offset: 7 }],
    ['-10:end', { at: 'before end', count: 10 }, { at: 'end' }],
    ['@1700000000123', { at: 'time', timestamp: 1_700_000_000_123 }, undefined],
    ['@1700000000', { at: 'time', timestamp: 1_700_000_000_000 }, undefined],
    ['@2024-02-14', time('2024-02-14T00:00:00Z'), undefined],
    ['@2024-02-14T09:30:00.5Z', time('2024-02-14T09:30:00.500Z'), undefined],
    ['@2024-02-14:', time('2024-02-14T00:00:00Z'), undefined],
    ['@:2024-02-14', start, time('2024-02-14T00:00:00Z')],
    ['@2024-02-14:1h', time('2024-02-14T00:00:00Z'), time('2024-02-14T01:00:00Z')],
    [
      '@2024-02-14T09:00:00Z:2024-02-14T10:00:00Z',
      time('2024-02-14T09:00:00Z'),
      time('2024-02-14T10:00:00Z'),
    ],
    [
      '@-48h:-24h',
      { at: 'time', timestamp: NOW_MS - 48 * HOUR_MS },
      { at: 'time', timestamp: NOW_MS - 24 * HOUR_MS },
    ],
    ['@-1h:end', { at: 'time', timestamp: NOW_MS - HOUR_MS }, { at: 'end' }],
    ['@:-1h', start, { at: 'time', timestamp: NOW_MS - HOUR_MS }],
    ['+5:+10', { at: 'after start', count: 5 }, { at: 'after start', count: 10 }],
  ])('%s', (text, from, to) => {
    expect(parseOffsetRange(text, NOW_MS)).toEqual({ from, to })
  })

  it.each(['', 'begin', '1.5', '@', '@tomorrow', '@2024-13-01', '1:2:3', 'end:x'])(
    '%j is refused',
    (text) => {
      expect(() => parseOffsetRange(text, NOW_MS)).toThrow('is no offset: use start, end')
    },
  )
})

describe('durations', () => {
  it.each([
    ['0', 0],
    ['500ms', 500],
    ['20s', 20_000],
    ['1.5s', 1_500],
    ['1m30s', 90_000],
    ['1h1m1s1ms', 3_661_001],
    ['2d', 172_800_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', '20', 's', '-1s', '1 s', '1y'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })

  it('are shown in units that fit', () => {
    expect([12.4, 1_250, 65_000].map(formatDuration)).toEqual(['12 ms', '1.3 s', '1 min 5 s'])
  })
})
