/**
 * What the members of a group printed, a line for each event:
 *
 *     1700000000123 a assigned 0,2       member a has these partitions now, and no others
 *     1700000000125 a read 0 17          it was given the record of partition 0 at offset 17
 *     1700000000131 a committed 0 18     the broker acknowledged that commit
 *
 * The first column is the machine's time in milliseconds.
 */
export interface MemberEvent {
  readonly atMs: number
  readonly member: string
  readonly what: string
  readonly partition: number
  readonly offset: number
  readonly partitions: readonly number[]
}

export function memberEvents(lines: readonly string[]): MemberEvent[] {
  return lines.map((line) => {
    const [atMs, member = '', what = '', ...facts] = line.split(' ')
    const [partition, offset] = facts.map(Number)
    const isAssigned = what === 'assigned'
    const partitions = isAssigned ? (facts[0] ?? '').split(',').filter(Boolean).map(Number) : []
    return {
      atMs: Number(atMs),
      member,
      what,
      partition: isAssigned ? -1 : partition!,
      offset: isAssigned ? -1 : offset!,
      partitions,
    }
  })
}

/** The partitions that each member has by what it said last. */
export function assignments(events: readonly MemberEvent[]): Map<string, readonly number[]> {
  return new Map(
    events
      .filter(({ what }) => what === 'assigned')
      .map(({ member, partitions }) => [member, partitions]),
  )
}

/**
 * Records that were missed, and those that were given to a member although a commit beyond them
 * had been acknowledged. `ends` are the end offsets by partition.
 */
export function findLosses(events: readonly MemberEvent[], ends: readonly number[]): string[] {
  const findings: string[] = []
  const seen = ends.map(() => new Set<number>())
  const committed = ends.map(() => 0)
  // A record read in the millisecond of a commit was read before it, for all one can tell.
  const rank = ({ what }: MemberEvent) => (what === 'read' ? 0 : 1)
  const ordered = [...events].sort((one, other) => one.atMs - other.atMs || rank(one) - rank(other))
  for (const { what, partition, offset, member, atMs } of ordered) {
    if (what === 'committed') committed[partition] = offset
    if (what !== 'read') continue
    seen[partition]?.add(offset)
    if (offset < committed[partition]!) {
      findings.push(
        `${partition}/${offset} given to ${member} at ${atMs}, committed ${committed[partition]}`,
      )
    }
  }
  ends.forEach((end, partition) => {
    for (let offset = 0; offset < end; offset++) {
      if (!seen[partition]!.has(offset)) findings.push(`${partition}/${offset} was not read`)
    }
  })
  return findings
}
