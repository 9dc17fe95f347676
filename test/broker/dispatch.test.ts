import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../src/base/clock.ts'
import type { Broker } from '../../src/broker/broker.ts'
import { RequestDispatcher } from '../../src/broker/dispatch.ts'
import type { Exchange } from '../../src/broker/exchange.ts'
import {
  closeConnection,
  type Handler,
  handler,
  type RequestContext,
} from '../../src/broker/handler.ts'
import { apiVersions } from '../../src/broker/handlers/18-api-versions.ts'
import { Meters } from '../../src/broker/meters.ts'
import { Heartbeat } from '../../src/protocol/apis/12-heartbeat.ts'
import { DescribeGroups } from '../../src/protocol/apis/15-describe-groups.ts'
import { ApiVersions } from '../../src/protocol/apis/18-api-versions.ts'
import { Writer } from '../../src/protocol/bytes/writer.ts'
import { KafkaError } from '../../src/protocol/error-code.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/message.ts'
import type { Api, EncodableOf } from '../../src/protocol/schema.ts'
import { type LogLine, recordingLogger } from '../server/toy.ts'
import { testPeer } from './test-peer.ts'

const clock = new VirtualClock()

function setUp(...handlers: Handler[]) {
  const lines: LogLine[] = []
  // Dispatching looks at nothing else of a broker.
  const parts = { handlers, log: recordingLogger(lines), clock, meters: new Meters(), quotas: {} }
  const broker = parts as unknown as Broker
  const dispatcher = new RequestDispatcher(broker)
  const peer = testPeer()
  return {
    lines,
    peer,
    send<A extends Api>(api: A, apiVersion: number, request: EncodableOf<A['request']>): Exchange {
      const header = { correlationId: 42, clientId: 'app' }
      const { chunks } = encodeRequest(api, apiVersion, header, request)
      const bytes = Buffer.concat(chunks)
      return dispatcher.dispatch(bytes, 4, bytes.byteLength, peer, clock.nowMs())
    },
    sendBytes(hex: string): Exchange {
      const bytes = Buffer.from(hex, 'hex')
      return dispatcher.dispatch(bytes, 0, bytes.byteLength, peer, clock.nowMs())
    },
  }
}

function frameOf(exchange: Exchange): Buffer {
  expect(exchange.state).toBe('ready')
  const writer = new Writer()
  exchange.encode(writer)
  const bytes = Buffer.concat(writer.take().chunks)
  expect(bytes.readInt32BE(0)).toBe(bytes.byteLength - 4)
  return bytes.subarray(4)
}

const beat = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }

describe('a handler that answers at once', () => {
  test('is answered within the call, with its correlation id and what it knows of the client', () => {
    const contexts: RequestContext[] = []
    const { send, peer } = setUp(
      handler(Heartbeat, [0, 4], (request, context) => {
        contexts.push(context)
        return { errorCode: request.groupId === 'g' ? 25 : 0 }
      }),
    )
    const frame = frameOf(send(Heartbeat, 4, beat))
    expect(decodeResponse(Heartbeat, 4, frame)).toEqual({
      correlationId: 42,
      response: { throttleTimeMs: 0, errorCode: 25 },
    })
    expect(contexts[0]).toMatchObject({
      apiVersion: 4,
      clientId: 'app',
      peer,
      nowMs: clock.nowMs(),
    })
  })

  test('null sends nothing; closeConnection closes', () => {
    const quiet = setUp(handler(Heartbeat, [0, 4], () => null))
    expect(quiet.send(Heartbeat, 0, beat).state).toBe('silent')
    const closing = setUp(handler(Heartbeat, [0, 4], () => closeConnection))
    expect(closing.send(Heartbeat, 0, beat)).toMatchObject({
      state: 'failed',
      failure: 'Heartbeat version 0 failed',
    })
  })
})

describe('a handler that answers later', () => {
  test('is pending until then, and its change is told', async () => {
    const { send } = setUp(handler(Heartbeat, [0, 4], async () => ({ errorCode: 27 })))
    const exchange = send(Heartbeat, 0, beat)
    expect(exchange.state).toBe('pending')
    expect(exchange.nextMayStart).toBe(false)
    await new Promise((resolve) => {
      exchange.onChange = resolve
    })
    expect(frameOf(exchange).toString('hex')).toBe('0000002a001b')
  })

  test('lets the next request begin when it says so', async () => {
    const { send } = setUp(
      handler(Heartbeat, [0, 4], async (_request, context) => {
        context.startNext()
        return { errorCode: 0 }
      }),
    )
    expect(send(Heartbeat, 0, beat)).toMatchObject({ state: 'pending', nextMayStart: true })
  })
})

describe('a handler that throws', () => {
  const failing = (error: unknown) =>
    handler(Heartbeat, [0, 4], () => {
      throw error
    })

  test('a KafkaError becomes the top-level error, without a log line', () => {
    const { send, lines } = setUp(failing(new KafkaError('ILLEGAL_GENERATION')))
    const { response } = decodeResponse(Heartbeat, 3, frameOf(send(Heartbeat, 3, beat)))
    expect(response.errorCode).toBe(22)
    expect(lines).toEqual([])
  })

  test('anything else becomes UNKNOWN_SERVER_ERROR and is logged with its stack', () => {
    const { send, lines } = setUp(failing(new TypeError('our bug')))
    const { response } = decodeResponse(Heartbeat, 3, frameOf(send(Heartbeat, 3, beat)))
    expect(response.errorCode).toBe(-1)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ level: 'error', message: 'handler failed' })
    expect(lines[0]!.fields['stack']).toContain('TypeError: our bug')
  })

  test('the same holds for a promise that rejects', async () => {
    const { send } = setUp(
      handler(Heartbeat, [0, 4], async () => {
        throw new KafkaError('NOT_COORDINATOR')
      }),
    )
    const exchange = send(Heartbeat, 0, beat)
    await new Promise((resolve) => {
      exchange.onChange = resolve
    })
    expect(frameOf(exchange).toString('hex')).toBe('0000002a0010')
  })

  test('errorResponse says the error where the API wants it; without one the connection closes', () => {
    const throwing = () => {
      throw new KafkaError('COORDINATOR_NOT_AVAILABLE')
    }
    const request = { groups: ['a', 'b'], includeAuthorizedOperations: false }
    const bare = setUp(handler(DescribeGroups, [0, 6], throwing))
    expect(bare.send(DescribeGroups, 0, request).state).toBe('failed')
    const { send } = setUp(
      handler(DescribeGroups, [0, 6], throwing, {
        errorResponse: ({ groups }, { errorCode }) => ({
          groups: groups.map((groupId) => ({
            errorCode,
            groupId,
            groupState: '',
            protocolType: '',
            protocolData: '',
            members: [],
          })),
        }),
      }),
    )
    const { response } = decodeResponse(
      DescribeGroups,
      0,
      frameOf(send(DescribeGroups, 0, request)),
    )
    expect(response.groups.map(({ groupId, errorCode }) => [groupId, errorCode])).toEqual([
      ['a', 15],
      ['b', 15],
    ])
  })

  test('a response that cannot be encoded becomes UNKNOWN_SERVER_ERROR', () => {
    const groupId = 'x'.repeat(40_000)
    const { send, lines } = setUp(
      handler(
        DescribeGroups,
        [0, 6],
        () => ({
          groups: [
            {
              errorCode: 0,
              groupId,
              groupState: '',
              protocolType: '',
              protocolData: '',
              members: [],
            },
          ],
        }),
        { errorResponse: () => ({ groups: [] }) },
      ),
    )
    const request = { groups: [], includeAuthorizedOperations: false }
    const frame = frameOf(send(DescribeGroups, 0, request))
    expect(decodeResponse(DescribeGroups, 0, frame).response.groups).toEqual([])
    expect(lines[0]!.message).toBe('handler failed')
  })
})

describe('onSent', () => {
  test('runs once when the response is out', () => {
    let count = 0
    const { send } = setUp(
      handler(Heartbeat, [0, 4], (_request, context) => {
        context.onSent(() => count++)
        return { errorCode: 0 }
      }),
    )
    const exchange = send(Heartbeat, 0, beat)
    frameOf(exchange)
    expect(count).toBe(0)
    exchange.sent()
    expect(count).toBe(1)
  })

  test('runs at once when the connection has ended before the answer', () => {
    const contexts: RequestContext[] = []
    const { send } = setUp(
      handler(Heartbeat, [0, 4], (_request, context) => {
        contexts.push(context)
        return new Promise(() => {})
      }),
    )
    send(Heartbeat, 0, beat).sent()
    let count = 0
    contexts[0]!.onSent(() => count++)
    expect(count).toBe(1)
  })
})

describe('bytes that are refused', () => {
  const { sendBytes, send } = setUp(
    handler(Heartbeat, [1, 3], () => ({ errorCode: 0 })),
    apiVersions,
  )

  test.each([
    ['no header', '', 'requestApiKey needs 2 bytes'],
    ['an api key nobody knows', '03e70000000000010000', 'API key 999 is not known'],
    ['an api key without a handler', '00000003000000010000', 'Produce is not answered'],
    ['a version below', '000c0000000000010000', 'Heartbeat version 0 (versions 1 to 3'],
    ['a version above', '000c000400000001000000', 'Heartbeat version 4 (versions 1 to 3'],
    ['a body that ends too early', '000c0001000000010000', 'groupId needs 2 bytes'],
  ])('%s', (_name, hex, failure) => {
    const exchange = sendBytes(hex)
    expect(exchange.state).toBe('failed')
    expect(exchange.failure).toContain(failure)
  })

  test('bytes after a complete body are ignored', () => {
    const { chunks } = encodeRequest(Heartbeat, 1, { correlationId: 1, clientId: null }, beat)
    const hex = Buffer.concat(chunks).subarray(4).toString('hex')
    expect(sendBytes(`${hex}ffffff`).state).toBe('ready')
  })

  test('ApiVersions in a version of the future is answered in version 0 with its own range', () => {
    const frame = frameOf(sendBytes('0012006300000007ffff00'))
    const { correlationId, response } = decodeResponse(ApiVersions, 0, frame)
    expect(correlationId).toBe(7)
    expect(response).toMatchObject({
      errorCode: 35,
      apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
    })
    expect(sendBytes('0012006300000007ffff').state).toBe('failed')
  })

  test('a client name that is not one gets INVALID_REQUEST', () => {
    const request = {
      clientSoftwareName: 'a b',
      clientSoftwareVersion: '1',
      clusterId: null,
      nodeId: -1,
    }
    const { response } = decodeResponse(ApiVersions, 3, frameOf(send(ApiVersions, 3, request)))
    expect(response).toMatchObject({ errorCode: 42, apiKeys: [] })
  })
})
