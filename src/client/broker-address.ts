/** Where a broker listens. */
export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

const KAFKA_PORT = 9092
const PORT_MAX = 65_535

/**
 * Reads `host`, `host:port`, `[::1]:port`, several of them with commas between; a scheme in front,
 * as in `PLAINTEXT://host:port`, is passed over. Throws `RangeError` with the text at fault.
 */
export function parseBrokerAddresses(text: string): BrokerAddress[] {
  const addresses = text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .map(parseBrokerAddress)
  if (addresses.length === 0) throw new RangeError('no broker is named: use host:port')
  return addresses
}

function parseBrokerAddress(text: string): BrokerAddress {
  const bare = text.replace(/^[A-Za-z][A-Za-z0-9_]*:\/\//, '')
  const match = /^(?:\[([^\]]+)\]|([^:\s[\]]+))(?::(\d{1,5}))?$/.exec(bare)
  // Two colons or more and no brackets: an IPv6 address without a port.
  const host = match?.[1] ?? match?.[2] ?? (/^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:/.test(bare) && bare)
  const port = match?.[3] === undefined ? KAFKA_PORT : Number(match[3])
  if (!host || port < 1 || port > PORT_MAX) {
    throw new RangeError(`'${text}' is not the address of a broker: use host:port`)
  }
  return { host, port }
}

export function formatAddress({ host, port }: BrokerAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
