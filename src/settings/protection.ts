import type { BrokerSettingName } from './broker-settings.ts'
import { parseHttpListener } from './http-listener.ts'
import type { ListenerSetting } from './listeners.ts'
import type { Settings } from './settings.ts'

interface Unprotected {
  readonly name: BrokerSettingName
  readonly message: string
}

/**
 * What the operator asked for by way of protection and would not get, or did not ask for and needs
 * (promises.md section 4): security fails closed, so each of these stops the start.
 */
export function protectionProblems(
  settings: Settings,
  listeners: readonly ListenerSetting[],
): Unprotected[] {
  const problems: Unprotected[] = []
  if (settings.mode === 'prod') {
    const message =
      'dohle.mode=prod requires authentication, which is not built yet: ' +
      'use --mode dev, with dohle.durability=sync for its durability'
    return [{ name: 'dohle.mode', message }]
  }
  for (const { name, host, securityProtocol } of listeners) {
    if (securityProtocol !== 'PLAINTEXT') {
      const message = `listener ${name} asks for ${securityProtocol}, which is not built yet`
      problems.push({ name: 'listeners', message })
    } else if (!isLoopback(host) && !settings.insecure) {
      const message =
        `listener ${name} on ${host || 'all interfaces'} would be open to other machines without ` +
        'any login: listen on localhost, or accept that with dohle.insecure=true'
      problems.push({ name: 'listeners', message })
    }
  }
  const http = settings.httpListener === null ? undefined : parseHttpListener(settings.httpListener)
  if (http && !isLoopback(http.host) && !settings.insecure) {
    const message =
      `metrics on ${http.host} would be open to other machines without any login: ` +
      'listen on localhost, or accept that with dohle.insecure=true'
    problems.push({ name: 'dohle.http.listener', message })
  }
  if (settings.authorizerClassName !== '') {
    const message = 'authorizer.class.name is set, but ACLs are not built yet'
    problems.push({ name: 'authorizer.class.name', message })
  }
  return problems
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}
