import type { InterceptedCall } from '../../broker/interceptor.ts'
import { isMessage, type Message, type NameOf, visitTopics } from './request-topics.ts'

const GROUP_KEY_TYPE = 0

/** Whether a request is about a topic, or about one partition of it. */
export function concernsTopic(
  call: InterceptedCall,
  topic: string,
  partition: number | undefined,
  sources: { readonly nameOf: NameOf; readonly fetched: FetchedPartitions },
): boolean {
  let concerned = false
  const look = (name: string, index: number | undefined) => {
    const isIt = partition === undefined || index === undefined || partition === index
    if (name === topic && isIt) concerned = true
  }
  visitTopics(call.request, sources.nameOf, look)
  if (!concerned && call.api.name === 'Fetch') {
    for (const one of sources.fetched(call)) look(one.topic, one.partition)
  }
  // No list, all topics.
  if (call.api.name === 'Metadata' && call.request['topics'] === null) return true
  return concerned
}

/** What a fetch session asks for besides what stands in the request. */
export type FetchedPartitions = (
  call: InterceptedCall,
) => Iterable<{ readonly topic: string; readonly partition: number }>

export function concernsGroup({ api, request }: InterceptedCall, groupId: string): boolean {
  if (api.name === 'FindCoordinator') return coordinatorKeys(request, true).includes(groupId)
  return namedIn(request, ['groupId', 'groups', 'groupIds', 'groupsNames'], 'groupId', groupId)
}

export function concernsTransaction({ api, request }: InterceptedCall, id: string): boolean {
  if (api.name === 'FindCoordinator') return coordinatorKeys(request, false).includes(id)
  const fields = [
    'transactionalId',
    'v3AndBelowTransactionalId',
    'transactions',
    'transactionalIds',
  ]
  return namedIn(request, fields, 'transactionalId', id)
}

function coordinatorKeys(request: Message, ofGroups: boolean): unknown[] {
  const { key, keyType, coordinatorKeys: keys } = request
  if ((keyType === GROUP_KEY_TYPE) !== ofGroups) return []
  return [key, ...(Array.isArray(keys) ? keys : [])]
}

function namedIn(
  request: Message,
  fields: readonly string[],
  elementField: string,
  wanted: string,
): boolean {
  return fields.some((field) => {
    const value = request[field]
    if (!Array.isArray(value)) return value === wanted
    return value.some((one) => one === wanted || (isMessage(one) && one[elementField] === wanted))
  })
}
