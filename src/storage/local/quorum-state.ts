/** Which epoch of the metadata quorum this node has seen (file `quorum-state`). */
export interface QuorumState {
  readonly leaderId: number
  readonly leaderEpoch: number
}

export const QUORUM_STATE_FILE = 'quorum-state'

/** Undefined when the text is not Kafka's, in version 0 (static voters) or 1. */
export function parseQuorumState(text: string): QuorumState | undefined {
  try {
    const state: unknown = JSON.parse(text)
    if (typeof state !== 'object' || state === null) return undefined
    const { leaderId, leaderEpoch } = state as Record<string, unknown>
    if (!Number.isInteger(leaderId) || !Number.isInteger(leaderEpoch)) return undefined
    return { leaderId: leaderId as number, leaderEpoch: leaderEpoch as number }
  } catch {
    return undefined
  }
}

export function formatQuorumState({ leaderId, leaderEpoch }: QuorumState): string {
  return JSON.stringify({
    leaderId,
    leaderEpoch,
    votedId: -1,
    votedDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA',
    data_version: 1,
  })
}
