/** Java's String.hashCode over UTF-16 units. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) {
    hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0
  }
  return hash
}

/** The partition of an internal topic that coordinates a group or a transactional id. */
export function partitionFor(id: string, partitionCount: number): number {
  const hash = javaHashCode(id)
  // The one number without a positive counterpart counts as 0.
  return hash === -2147483648 ? 0 : Math.abs(hash) % partitionCount
}
