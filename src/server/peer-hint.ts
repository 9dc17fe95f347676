/** What the first bytes of a connection that is not Kafka's look like, for the log line. */
export function guessProtocol(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 8)).toString('latin1')
  if (/^(GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|CONNECT|TRACE) /.test(`${start} `)) {
    return 'an HTTP request: this port speaks the Kafka protocol'
  }
  if (start.startsWith('PRI * HT')) return 'an HTTP/2 client: this port speaks the Kafka protocol'
  if (bytes[0] === 0x16 && bytes[1] === 0x03) {
    return 'a TLS handshake, but this listener is plaintext: set security.protocol=PLAINTEXT (ssl: false)'
  }
  if (start.startsWith('SSH-')) return 'an SSH client'
  if (start.startsWith('PROXY ') || start.startsWith('\r\n\r\n\0\r\nQ')) {
    return 'a PROXY protocol header: turn it off at the load balancer'
  }
  return 'not the Kafka protocol, or bytes were lost'
}
