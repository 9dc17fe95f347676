import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { startBroker } from '../../src/index.ts'
import { FindCoordinator } from '../../src/protocol/apis/10-find-coordinator.ts'
import { JoinGroup } from '../../src/protocol/apis/11-join-group.ts'
import { Heartbeat } from '../../src/protocol/apis/12-heartbeat.ts'
import { SyncGroup } from '../../src/protocol/apis/14-sync-group.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/message.ts'
import type { Api, DecodedOf, EncodableOf } from '../../src/protocol/schema.ts'

const cleanUps: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

const SESSION_MS = 200

/** One member that asks one thing at a time, over a socket of its own. */
class Client {
  readonly #socket
  #received = Buffer.alloc(0)
  #answered: (frame: Buffer) => void = () => {}

  constructor(port: number) {
    this.#socket = connect(port, 'localhost')
    cleanUps.push(() => this.#socket.destroy())
    this.#socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes])
      const length = this.#received.length < 4 ? 0 : this.#received.readInt32BE(0)
      if (length === 0 || this.#received.length < 4 + length) return
      const frame = this.#received.subarray(4, 4 + length)
      this.#received = this.#received.subarray(4 + length)
      this.#answered(frame)
    })
  }

  /** The bytes are with the kernel when this returns. */
  ask<A extends Api>(
    api: A,
    version: number,
    request: EncodableOf<A['request']>,
  ): Promise<DecodedOf<A['response']>> {
    const { chunks } = encodeRequest(api, version, { correlationId: 1, clientId: 'm' }, request)
    this.#socket.write(Buffer.concat(chunks))
    return new Promise((resolve) => {
      this.#answered = (frame) => resolve(decodeResponse(api, version, frame).response)
    })
  }
}

/** The whole process stands still, as if it were stopped or its machine slept. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

async function stableMember(port: number, groupId: string) {
  const client = new Client(port)
  await client.ask(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [groupId] })
  const { memberId } = await client.ask(JoinGroup, 3, {
    groupId,
    sessionTimeoutMs: SESSION_MS,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  })
  const member = { groupId, memberId, generationId: 1 }
  await client.ask(SyncGroup, 3, { ...member, assignments: [] })
  return { client, member }
}

test('a broker that stood still expels nobody who spoke meanwhile, and who did not', async () => {
  const broker = await startBroker({ settings: { 'group.min.session.timeout.ms': 100 } })
  cleanUps.push(() => broker.stop())
  const speaking = await stableMember(broker.port, 'speaking')
  const silent = await stableMember(broker.port, 'silent')
  const beat = speaking.client.ask(Heartbeat, 3, speaking.member)
  standStill(2 * SESSION_MS)
  expect(await beat).toMatchObject({ errorCode: 0 })
  expect(await silent.client.ask(Heartbeat, 3, silent.member)).toMatchObject({ errorCode: 25 })
})
