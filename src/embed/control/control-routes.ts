import type { EmbeddedBroker } from '../embedded-broker.ts'
import type { EmbeddedNode } from '../embedded-node.ts'
import type { Fault } from '../faults/fault.ts'
import { checkFault } from '../faults/fault-spec.ts'
import type { Snapshot } from '../snapshot.ts'
import { Fields } from './fields.ts'
import { newRecord, readOptions } from './record-fields.ts'

/** A request that is answered with an HTTP status other than 200. */
export class ControlError extends Error {
  override name = 'ControlError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface ControlRequest {
  readonly parameters: ReadonlyMap<string, string>
  readonly query: URLSearchParams
  /** Parsed; `{}` when there was none. */
  readonly body: unknown
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Parts that begin with a colon are parameters. */
  readonly path: string
  handle(request: ControlRequest): unknown
}

/** What can be asked of a broker, path by path. */
export function controlRoutes(broker: EmbeddedBroker): Route[] {
  return [
    {
      method: 'GET',
      path: '/',
      handle: () => ({
        bootstrapServers: broker.bootstrapServers,
        clusterId: broker.clusterId,
      }),
    },
    ...brokerRoutes(broker),
    ...topicRoutes(broker),
    ...groupRoutes(broker),
    ...faultRoutes(broker),
    ...requestRoutes(broker),
    ...stateRoutes(broker),
  ]
}

const parameter = ({ parameters }: ControlRequest, name: string) => parameters.get(name) ?? ''

function brokerRoutes(broker: EmbeddedBroker): Route[] {
  const find = (request: ControlRequest) => {
    const id = parameter(request, 'id')
    const found = broker.brokers.find(({ brokerId }) => String(brokerId) === id)
    if (found) return found
    const ids = broker.brokers.map(({ brokerId }) => brokerId).join(', ')
    throw new ControlError(404, `there is no broker ${id}; there is ${ids}`)
  }
  const change = async (request: ControlRequest, verb: 'stop' | 'start') => {
    const found = find(request)
    await found[verb]()
    return brokerJson(found)
  }
  return [
    { method: 'GET', path: '/brokers', handle: () => broker.brokers.map(brokerJson) },
    { method: 'POST', path: '/brokers/:id/stop', handle: (request) => change(request, 'stop') },
    { method: 'POST', path: '/brokers/:id/start', handle: (request) => change(request, 'start') },
  ]
}

function brokerJson({ brokerId, host, port, bootstrapServers, isUp }: EmbeddedNode) {
  return { brokerId, host, port, bootstrapServers, isUp }
}

function topicRoutes(broker: EmbeddedBroker): Route[] {
  const path = '/topics/:topic/records'
  return [
    { method: 'GET', path: '/topics', handle: () => broker.topics() },
    {
      method: 'POST',
      path: '/topics',
      handle: ({ body }) => broker.createTopics(Fields.list(body, 'topics').map(newTopic)),
    },
    {
      method: 'DELETE',
      path: '/topics/:topic',
      handle: (request) => broker.deleteTopics([parameter(request, 'topic')]),
    },
    {
      method: 'POST',
      path,
      handle: (request) =>
        broker.produce(
          parameter(request, 'topic'),
          Fields.list(request.body, 'records').map(newRecord),
        ),
    },
    {
      method: 'GET',
      path,
      handle: (request) => {
        const topic = parameter(request, 'topic')
        const { count, ...options } = readOptions(request.query)
        return count === undefined
          ? broker.records(topic, options)
          : broker.waitForRecords(topic, count, options)
      },
    },
  ]
}

function newTopic(value: unknown) {
  if (typeof value === 'string') return value
  const fields = new Fields(value, 'a topic', ['name', 'partitions', 'configs'])
  const partitions = fields.number('partitions')
  const configs = fields.texts('configs')
  return {
    name: fields.requiredText('name'),
    ...(partitions !== undefined && { partitions }),
    ...(configs && { configs }),
  }
}

function groupRoutes(broker: EmbeddedBroker): Route[] {
  return [
    { method: 'GET', path: '/groups', handle: () => broker.groups() },
    {
      method: 'GET',
      path: '/groups/:group',
      handle: (request) => {
        const fields = Fields.ofQuery(request.query, 'a group', ['state', 'members', 'timeoutMs'])
        const state = fields.text('state')
        const members = fields.number('members')
        const timeoutMs = fields.number('timeoutMs')
        return broker.waitForGroup(parameter(request, 'group'), {
          ...(state !== undefined && { state }),
          ...(members !== undefined && { members }),
          ...(timeoutMs !== undefined && { timeoutMs }),
        })
      },
    },
    {
      method: 'GET',
      path: '/groups/:group/offsets',
      handle: (request) => broker.committedOffsets(parameter(request, 'group')),
    },
    {
      method: 'POST',
      path: '/groups/:group/rebalance',
      handle: (request) => broker.faults.rebalance(parameter(request, 'group')),
    },
    {
      method: 'POST',
      path: '/groups/:group/expire',
      handle: async (request) => {
        const fields = new Fields(request.body, 'a member', ['memberId', 'clientId'])
        const memberId = fields.text('memberId')
        const clientId = fields.text('clientId')
        const match = {
          ...(memberId !== undefined && { memberId }),
          ...(clientId !== undefined && { clientId }),
        }
        return { memberId: await broker.faults.expireMember(parameter(request, 'group'), match) }
      },
    },
  ]
}

function faultRoutes({ faults }: EmbeddedBroker): Route[] {
  return [
    { method: 'GET', path: '/faults', handle: () => faults.list.map(faultJson) },
    {
      method: 'POST',
      path: '/faults',
      handle: ({ body }) => faultJson(faults.add(checkFault(body))),
    },
    { method: 'DELETE', path: '/faults', handle: () => faults.clear() },
    { method: 'GET', path: '/faults/log', handle: () => faults.log },
    {
      method: 'DELETE',
      path: '/faults/:id',
      handle: (request) => {
        const id = parameter(request, 'id')
        const fault = faults.list.find((one) => String(one.id) === id)
        if (!fault) throw new ControlError(404, `there is no fault ${id}`)
        fault.remove()
        return faultJson(fault)
      },
    },
    {
      method: 'POST',
      path: '/producers/fence',
      handle: ({ body }) => {
        const names = ['transactionalId', 'topic', 'partition', 'producerId']
        const fields = new Fields(body, 'a producer', names)
        const transactionalId = fields.text('transactionalId')
        if (transactionalId !== undefined) return faults.fenceProducer({ transactionalId })
        const partition = fields.number('partition')
        const producerId = fields.number('producerId')
        return faults.fenceProducer({
          topic: fields.requiredText('topic'),
          ...(partition !== undefined && { partition }),
          ...(producerId !== undefined && { producerId }),
        })
      },
    },
  ]
}

function faultJson({ id, spec, seed, hits, isOver }: Fault) {
  return { id, spec, seed, hits, isOver }
}

function requestRoutes({ requests }: EmbeddedBroker): Route[] {
  return [
    {
      method: 'GET',
      path: '/requests',
      handle: ({ query }) => {
        const fields = Fields.ofQuery(query, 'requests', ['api', 'clientId', 'connection'])
        const api = fields.text('api')
        const clientId = fields.text('clientId')
        const connection = fields.number('connection')
        return requests.filter(
          (entry) =>
            (api ?? entry.api) === entry.api &&
            (clientId ?? entry.clientId) === entry.clientId &&
            (connection ?? entry.connection) === entry.connection,
        )
      },
    },
    { method: 'POST', path: '/requests/start', handle: () => requests.start() },
    { method: 'POST', path: '/requests/stop', handle: () => requests.stop() },
    { method: 'DELETE', path: '/requests', handle: () => requests.clear() },
  ]
}

function stateRoutes(broker: EmbeddedBroker): Route[] {
  const snapshots = new Map<string, Snapshot>()
  let nextSnapshot = 1
  const snapshotOf = (request: ControlRequest) => {
    const snapshot = snapshots.get(parameter(request, 'id'))
    if (!snapshot) throw new ControlError(404, `there is no snapshot ${parameter(request, 'id')}`)
    return snapshot
  }
  return [
    {
      method: 'POST',
      path: '/snapshots',
      handle: () => {
        const id = String(nextSnapshot++)
        const snapshot = broker.snapshot()
        snapshots.set(id, snapshot)
        return { id, sizeBytes: snapshot.sizeBytes }
      },
    },
    {
      method: 'POST',
      path: '/snapshots/:id/restore',
      handle: (request) => broker.restore(snapshotOf(request), stateOptions(request)),
    },
    {
      method: 'DELETE',
      path: '/snapshots/:id',
      handle: (request) => {
        snapshotOf(request)
        snapshots.delete(parameter(request, 'id'))
      },
    },
    { method: 'POST', path: '/reset', handle: (request) => broker.reset(stateOptions(request)) },
    {
      method: 'POST',
      path: '/export',
      handle: ({ body }) =>
        broker.exportTo(new Fields(body, 'an export', ['directory']).requiredText('directory')),
    },
    {
      method: 'POST',
      path: '/clock/advance',
      handle: async ({ body }) => {
        const by = new Fields(body, 'an advance', ['by']).get('by')
        if (typeof by !== 'string' && typeof by !== 'number') {
          throw new ControlError(400, 'by: should be a duration, such as "7d"')
        }
        return { nowMs: await broker.advanceClock(by) }
      },
    },
  ]
}

function stateOptions({ body }: ControlRequest) {
  const connections = new Fields(body, 'options', ['connections']).text('connections')
  if (connections === undefined) return {}
  if (connections === 'keep' || connections === 'cut') return { connections } as const
  throw new ControlError(400, `connections: '${connections}' should be 'keep' or 'cut'`)
}
