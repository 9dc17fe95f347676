import type { JoinGroup } from '../../protocol/apis/11-join-group.ts'
import type { SyncGroup } from '../../protocol/apis/14-sync-group.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import type { ReplyTo } from '../effect.ts'
import type { GroupMetadataMember } from './group-records.ts'

export type JoinResponse = ResponseOf<typeof JoinGroup>
export type SyncResponse = ResponseOf<typeof SyncGroup>

/**
 * The assignors that a member supports, its favourite first, each with what it tells the leader
 * about itself.
 */
export type ClassicProtocols = ReadonlyMap<string, Buffer>

/** A client may name a protocol twice; the first counts. */
export function classicProtocols(
  protocols: readonly { readonly name: string; readonly metadata: Buffer }[],
): ClassicProtocols {
  const map = new Map<string, Buffer>()
  for (const { name, metadata } of protocols) if (!map.has(name)) map.set(name, metadata)
  return map
}

/** What a member says of itself when it joins. */
export interface MemberDescription {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly protocols: ClassicProtocols
}

export const noBytes: Buffer = Buffer.alloc(0)

export class ClassicMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  clientId: string
  clientHost: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  protocols: ClassicProtocols
  assignment: Buffer = noBytes
  /** Waits in its first JoinGroup: it does not know its id and cannot send heartbeats yet. */
  isNew = false
  awaitingJoin: ReplyTo<JoinResponse> | null = null
  awaitingSync: ReplyTo<SyncResponse> | null = null

  constructor(description: MemberDescription) {
    this.memberId = description.memberId
    this.groupInstanceId = description.groupInstanceId
    this.clientId = description.clientId
    this.clientHost = description.clientHost
    this.rebalanceTimeoutMs = description.rebalanceTimeoutMs
    this.sessionTimeoutMs = description.sessionTimeoutMs
    this.protocols = description.protocols
  }

  get isStatic(): boolean {
    return this.groupInstanceId !== null
  }

  /** Same names and same bytes in the same order: nothing to rebalance for. */
  matches(protocols: ClassicProtocols): boolean {
    if (protocols.size !== this.protocols.size) return false
    const others = protocols.entries()
    for (const [name, metadata] of this.protocols) {
      const [otherName, otherMetadata] = others.next().value!
      if (otherName !== name || !otherMetadata.equals(metadata)) return false
    }
    return true
  }

  /** Bytes that it keeps in memory, and may one day keep in a record. */
  get sizeBytes(): number {
    let size = this.memberId.length + this.clientId.length + this.assignment.length
    for (const [name, metadata] of this.protocols) size += name.length + metadata.length
    return size
  }

  metadata(protocolName: string | null): Buffer {
    return this.protocols.get(protocolName ?? '') ?? noBytes
  }

  /** Takes over what a GroupMetadata record says, unless more is known about the same bytes. */
  replay(record: GroupMetadataMember, protocolName: string | null): void {
    this.clientId = record.clientId
    this.clientHost = record.clientHost
    this.sessionTimeoutMs = record.sessionTimeout
    this.rebalanceTimeoutMs =
      record.rebalanceTimeout === -1 ? record.sessionTimeout : record.rebalanceTimeout
    this.assignment = record.assignment
    const name = protocolName ?? ''
    if (!this.protocols.get(name)?.equals(record.subscription)) {
      this.protocols = new Map([[name, record.subscription]])
    }
  }
}
