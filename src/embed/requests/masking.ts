/** What stands in the place of a secret. */
export const MASK = '(masked)'

/** Fields that are secrets, or good enough to guess one. */
const secretFields: ReadonlySet<string> = new Set([
  'authBytes',
  'salt',
  'saltedPassword',
  'hmac',
  // Of an Envelope: whole requests and answers, which may hold any of these.
  'requestData',
  'responseData',
])

export function isSecretField(name: string): boolean {
  return secretFields.has(name)
}

/** Names of configs whose values nobody should read, whatever the resource. */
export function isSecretConfig(name: string): boolean {
  return /password|secret|jaas|credential|keystore\.key|certificate\.chain/i.test(name)
}
