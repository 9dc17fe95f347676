import { randomUUID } from 'node:crypto'
import type { Client } from '../coordinator/group/group-context.ts'
import { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
} from '../coordinator/group/group-records.ts'
import { type CoordinatorBroker, CoordinatorTopic } from './coordinator-topic.ts'
import type { RequestContext } from './handler.ts'
import { hostText } from './host-text.ts'

export interface GroupServiceOptions {
  /** For tests. */
  readonly defer?: (callback: () => void) => void
  /** For tests: makes member ids. */
  readonly randomId?: () => string
}

/** The groups that this broker coordinates, by their partition of `__consumer_offsets`. */
export class GroupService extends CoordinatorTopic<GroupCoordinator, GroupRecord> {
  constructor(broker: CoordinatorBroker, options: GroupServiceOptions = {}) {
    const context = { settings: broker.settings, randomId: options.randomId ?? randomUUID }
    super(broker, {
      store: broker.engine.groups,
      create: () => new GroupCoordinator(context),
      encode: encodeGroupRecord,
      decode: decodeGroupRecord,
      topicsDeleted: (coordinator, topics) => coordinator.topicsDeleted(topics),
      ...(options.defer && { defer: options.defer }),
    })
  }
}

export function clientOf(context: RequestContext): Client {
  const { apiVersion, clientId, peer } = context
  return { apiVersion, clientId, clientHost: `/${hostText(peer.address)}` }
}
