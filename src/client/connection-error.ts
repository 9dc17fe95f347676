/**
 * `unreachable`: no connection came about. `closed`: it ended while something was asked.
 * `timeout`: no answer in time. `protocol`: what answered is no Kafka broker.
 */
export type ConnectionFault = 'unreachable' | 'closed' | 'timeout' | 'protocol'

/** A broker could not be asked, or did not answer: nothing is known of what it did. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  readonly fault: ConnectionFault

  constructor(fault: ConnectionFault, message: string, options?: ErrorOptions) {
    super(message, options)
    this.fault = fault
  }
}
