import type { Uuid } from '../../base/uuid.ts'
import type { MetadataImage, MetadataRecord, PartitionImage } from '../../storage/metadata-store.ts'
import { isUnderMinIsr, minIsr } from './min-isr.ts'
import { directoryOf } from './partition-record.ts'

/** `preferred`: of the first replica; `unclean`: also of one that is not in sync. */
export type Election = 'online' | 'preferred' | 'unclean'

/** What decides who may lead. */
export interface LeaderRules {
  readonly image: MetadataImage
  /** Whether a broker is there to lead: it may differ from what the image says by the change itself. */
  isLive(brokerId: number): boolean
  /** Of the topic. */
  readonly minInsyncReplicas: number
  readonly election: Election
}

/** What a partition is to have; what is left out stays. */
export interface PartitionTarget {
  readonly isr?: readonly number[]
  readonly replicas?: readonly number[]
  readonly addingReplicas?: readonly number[]
  readonly removingReplicas?: readonly number[]
}

const NO_LEADER = -1

/**
 * The record that brings a partition to its target, with the leader that Kafka's controller would
 * elect for it, or undefined when nothing changes (reference: admin-and-config.md section 2;
 * eligible leader replicas: KIP-966).
 */
export function partitionChange(
  topicId: Uuid,
  partition: PartitionImage,
  target: PartitionTarget,
  rules: LeaderRules,
): MetadataRecord | undefined {
  const next = withoutFinishedMove({ ...partition, ...target })
  const hasElr = (rules.image.features.get('eligible.leader.replicas.version') ?? 0) > 0
  // Without eligible replicas the last one in sync stays, so that it can lead when it comes back.
  const isr = next.isr.length > 0 || hasElr ? next.isr : partition.isr
  const elr = hasElr ? eligible(partition, { ...next, isr }, rules.minInsyncReplicas) : []
  const elected = elect({ ...next, isr, elr, leader: partition.leader }, rules)
  const { leader } = elected
  const decided = { ...next, ...elected, lastKnownElr: lastKnown(elected, partition) }
  const value = {
    ...changed(partition, decided, rules.image),
    ...((leader !== partition.leader || losesReplica(partition, decided)) && { leader }),
  }
  if (Object.keys(value).length === 0) return undefined
  return {
    type: 'PartitionChangeRecord',
    value: { partitionId: partition.partition, topicId, ...value },
  }
}

type State = Pick<PartitionImage, 'replicas' | 'isr' | 'addingReplicas' | 'removingReplicas'>

/** A move is done when all that were to come are in sync and one that stays is. */
function withoutFinishedMove(state: State): State {
  const { replicas, isr, addingReplicas, removingReplicas } = state
  if (addingReplicas.length === 0 && removingReplicas.length === 0) return state
  const stays = (id: number) => !removingReplicas.includes(id)
  const isrThatStays = isr.filter(stays)
  const isDone = isrThatStays.length > 0 && addingReplicas.every((id) => isrThatStays.includes(id))
  if (!isDone) return state
  return {
    replicas: replicas.filter(stays),
    isr: isrThatStays,
    addingReplicas: [],
    removingReplicas: [],
  }
}

/** Those that left the replicas in sync when there were too few of these have all that was acked. */
function eligible(
  { isr: isrBefore, eligibleLeaderReplicas }: PartitionImage,
  { isr, replicas }: State,
  minInsyncReplicas: number,
): readonly number[] {
  if (!isUnderMinIsr({ isr, replicas }, minInsyncReplicas)) return []
  const candidates = new Set([...isrBefore, ...eligibleLeaderReplicas])
  return [...candidates].filter((id) => !isr.includes(id) && replicas.includes(id))
}

interface Candidates extends State {
  readonly elr: readonly number[]
  readonly leader: number
}

type Elected = Pick<PartitionImage, 'leader' | 'isr' | 'eligibleLeaderReplicas'>

function elect(
  { replicas, isr, elr, leader }: Candidates,
  { isLive, election, minInsyncReplicas }: LeaderRules,
): Elected {
  const mayLead = (id: number) => isLive(id) && (isr.includes(id) || elr.includes(id))
  const first = election === 'preferred' ? [replicas[0]!, leader] : [leader]
  const found = [...first, ...replicas].find(mayLead)
  if (found !== undefined) {
    if (isr.includes(found)) return { leader: found, isr, eligibleLeaderReplicas: elr }
    const others = elr.filter((id) => id !== found)
    const isEnough = minIsr({ replicas }, minInsyncReplicas) <= 1
    return { leader: found, isr: [found], eligibleLeaderReplicas: isEnough ? [] : others }
  }
  const unclean = election === 'unclean' ? replicas.find((id) => isLive(id)) : undefined
  if (unclean === undefined) return { leader: NO_LEADER, isr, eligibleLeaderReplicas: elr }
  return { leader: unclean, isr: [unclean], eligibleLeaderReplicas: [] }
}

/** Who led last is remembered for as long as nobody does. */
function lastKnown(
  { leader, isr }: Elected,
  { leader: leaderBefore, lastKnownElr }: PartitionImage,
): readonly number[] {
  if (leader !== NO_LEADER) return []
  return isr.length === 0 && leaderBefore !== NO_LEADER ? [leaderBefore] : lastKnownElr
}

const lists = [
  'replicas',
  'isr',
  'addingReplicas',
  'removingReplicas',
  'eligibleLeaderReplicas',
  'lastKnownElr',
] as const

function changed(
  before: PartitionImage,
  after: Pick<PartitionImage, (typeof lists)[number]>,
  image: MetadataImage,
) {
  const differing = lists.filter((list) => before[list].join() !== after[list].join())
  const values = Object.fromEntries(differing.map((list) => [list, after[list]]))
  if (!differing.includes('replicas')) return values
  const directories = after.replicas.map((id) => {
    const place = before.replicas.indexOf(id)
    return before.directories[place] ?? directoryOf(image, id)
  })
  return { ...values, directories }
}

/** Readers of a replica that is gone must learn of it: a new epoch of the same leader tells them. */
function losesReplica(before: PartitionImage, after: State): boolean {
  return before.replicas.some((id) => !after.replicas.includes(id))
}
