/**
 * An address as Java prints it, which is how groups show where a member is: IPv6 addresses with
 * all eight parts and no leading zeros.
 */
export function hostText(address: string): string {
  const [bare = '', scope] = address.split('%')
  if (!bare.includes(':')) return address
  const [head = '', tail] = bare.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail ? tail.split(':') : []
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const parts = [...before, ...Array<string>(zeros).fill('0'), ...after]
  const text = parts.map((part) => part.replace(/^0+(?=.)/, '').toLowerCase()).join(':')
  return scope === undefined ? text : `${text}%${scope}`
}
