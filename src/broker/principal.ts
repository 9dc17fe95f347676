/** A principal's two halves: `User:alice` is type User, name alice. */
export function splitPrincipal(principal: string): { type: string; name: string } {
  const colon = principal.indexOf(':')
  return { type: principal.slice(0, colon), name: principal.slice(colon + 1) }
}
