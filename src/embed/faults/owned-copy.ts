/** A message that does not refer to bytes of others, such as those of a receive buffer. */
export function ownedCopy<T>(value: T): T
export function ownedCopy(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (Array.isArray(value)) return value.map((element: unknown) => ownedCopy(element))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, ownedCopy(field)]))
}
