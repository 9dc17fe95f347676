import { expect, test } from 'vitest'
import { VirtualClock } from '../../src/base/clock.ts'
import { TimerQueue } from '../../src/base/timer-queue.ts'
import { ReturnWatch } from '../../src/server/return-watch.ts'
import { testPeer } from '../broker/test-peer.ts'
import { type LogLine, recordingLogger } from './toy.ts'

function setUp() {
  const clock = new VirtualClock()
  const lines: LogLine[] = []
  const watch = new ReturnWatch(new TimerQueue(clock), recordingLogger(lines))
  const peer = testPeer()
  watch.arrived(peer.address)
  const node = (host: string, port = peer.localPort) => [{ brokerId: 1, host, port, rack: null }]
  return { clock, lines, watch, peer, node }
}

test('a client that never comes to the address it was told is named once, with what to change', () => {
  const { clock, lines, watch, peer, node } = setUp()
  watch.told(peer, node('broker.example', 19092))
  watch.told(peer, node('broker.example', 19092))
  clock.advance(10_000)
  watch.told(peer, node('broker.example', 19092))
  clock.advance(60_000)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({
    level: 'warn',
    fields: { client: peer.address, told: 'broker.example:19092' },
  })
  expect(lines[0]!.fields['hint']).toContain('advertised.listeners')
})

test('a client that comes back is left alone, and watched again another time', () => {
  const { clock, lines, watch, peer, node } = setUp()
  watch.told(peer, node('broker.example'))
  watch.arrived(peer.address)
  clock.advance(10_000)
  expect(lines).toEqual([])
  watch.told(peer, node('broker.example'))
  clock.advance(10_000)
  expect(lines).toHaveLength(1)
})

test('a client that was told the address which it has reached has no need to come again', () => {
  const { clock, lines, watch, peer, node } = setUp()
  watch.told(peer, node(peer.localAddress))
  clock.advance(60_000)
  expect(lines).toEqual([])
})
