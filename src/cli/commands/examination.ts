import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import net from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { formatAddress, parseBrokerAddresses } from '../../client/broker-address.ts'
import { Cluster, type Node } from '../../client/cluster.ts'
import { ConnectionError } from '../../client/connection-error.ts'
import { KafkaError } from '../../protocol/error-code.ts'
import { type ListenerSetting, resolveListeners } from '../../settings/listeners.ts'
import type { Settings } from '../../settings/settings.ts'
import { startOptions } from '../command-line.ts'
import { describeProblem, loadConfiguration } from '../configuration.ts'
import { ExitCode, StartError } from '../exit-code.ts'
import { describePortOwner } from '../port-owner.ts'
import { readRunFiles } from '../run-file.ts'
import type { CommandContext } from './command-context.ts'
import type { DoctorArguments } from './doctor.ts'
import { GREEN, type Output, RED, YELLOW } from './output.ts'

/** `fail`: it will not work; `warn`: it may not; `note`: good to know. */
type Status = 'ok' | 'note' | 'warn' | 'fail'

interface Finding {
  readonly check: 'node' | 'settings' | 'port' | 'disk' | 'clients'
  readonly status: Status
  readonly text: string
}

/** Reports what it finds; the exit code says whether something is wrong. */
export async function examine(args: DoctorArguments, { out }: CommandContext): Promise<number> {
  const findings: Finding[] = []
  const report = (finding: Finding) => {
    findings.push(finding)
    if (!args.json) print(finding, out)
  }
  report(checkNode(process.versions.node))
  const settings = checkSettings(args, report)
  const listeners = settings ? listenersOf(settings, report) : []
  for (const listener of listeners) report(await checkPort(listener))
  if (settings && !settings.memory) {
    for (const directory of settings.logDirs ?? settings.logDir) {
      for (const finding of checkDirectory(directory)) report(finding)
    }
  }
  const [first] = listeners
  const address = args['bootstrap-server'] ?? (first && reachable(first))
  if (address !== undefined) {
    const isAsked = args['bootstrap-server'] !== undefined
    for (const finding of await checkClients(address, isAsked)) report(finding)
  }
  if (args.json) out.json(findings)
  return findings.some(({ status }) => status === 'fail') ? ExitCode.UNHEALTHY : ExitCode.OK
}

const COLORS: Readonly<Record<Status, number>> = { ok: GREEN, note: 0, warn: YELLOW, fail: RED }

function print({ check, status, text }: Finding, out: Output): void {
  out.line(`${out.paint(status.padEnd(4), COLORS[status])}  ${check.padEnd(8)}  ${text}`)
}

const OLDEST_NODE = [20, 19] as const

function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])
  if (!isOld) return { check: 'node', status: 'ok', text: `Node ${version}` }
  const text = `Node ${version} is too old: ${OLDEST_NODE.join('.')} or later is needed`
  return { check: 'node', status: 'fail', text }
}

type Report = (finding: Finding) => void

function checkSettings(args: DoctorArguments, report: Report): Settings | undefined {
  try {
    const { settings, warnings } = loadConfiguration(startOptions(args))
    for (const warning of warnings) {
      report({ check: 'settings', status: 'warn', text: describeProblem(warning) })
    }
    if (warnings.length === 0) {
      report({ check: 'settings', status: 'ok', text: 'all settings are known and allowed' })
    }
    return settings
  } catch (error) {
    if (!(error instanceof StartError) || error.exitCode === ExitCode.USAGE) throw error
    report({ check: 'settings', status: 'fail', text: error.message })
    return undefined
  }
}

function listenersOf(settings: Settings, report: Report): readonly ListenerSetting[] {
  try {
    return resolveListeners(settings)
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    report({ check: 'settings', status: 'fail', text })
    return []
  }
}

async function checkPort({ name, host, port }: ListenerSetting): Promise<Finding> {
  const place = `${name} ${formatAddress({ host: host || '*', port })}`
  if (port === 0) return { check: 'port', status: 'ok', text: `${place} means a free port` }
  const code = await listenError(host, port)
  if (code === undefined) return { check: 'port', status: 'ok', text: `${place} is free` }
  if (code !== 'EADDRINUSE') {
    const why = code === 'EACCES' ? 'not permitted: take a port above 1023' : code
    return { check: 'port', status: 'fail', text: `${place} cannot be listened on: ${why}` }
  }
  const owner = await describePortOwner(port)
  const isBroker = owner !== 'another program'
  const way = isBroker ? '' : '. Use --port 0 for a free one'
  const text = `${place} is taken by ${owner}${way}`
  return { check: 'port', status: isBroker ? 'note' : 'fail', text }
}

/** The code of the error that listening there gives; undefined when it works. */
function listenError(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, ...(host !== '' && { host }) }, () =>
      server.close(() => resolve(undefined)),
    )
  })
}

const GIB = 2 ** 30
const SLOW_SYNC_MS = 50

function checkDirectory(directory: string): Finding[] {
  const path = resolve(directory)
  const owner = readRunFiles().find(({ dataDirectory }) => dataDirectory === path)
  if (owner) {
    const text = `${directory} is in use by the dohle with pid ${owner.pid}`
    return [{ check: 'disk', status: 'note', text }]
  }
  const findings: Finding[] = []
  let existing = path
  try {
    existing = nearestExisting(path)
    const syncMs = timeOfSync(existing)
    const what = existing === path ? 'can be written' : 'can be made'
    const text = `${directory} ${what}; flushing to its disk takes ${syncMs.toFixed(1)} ms`
    findings.push({ check: 'disk', status: syncMs > SLOW_SYNC_MS ? 'warn' : 'ok', text })
  } catch (error) {
    const text = `${directory} cannot be written: ${error instanceof Error ? error.message : error}`
    return [{ check: 'disk', status: 'fail', text }]
  }
  const { bavail, bsize } = statfsSync(existing)
  const free = bavail * bsize
  const text = `${(free / GIB).toFixed(1)} GiB are free for ${directory}`
  findings.push({ check: 'disk', status: free < GIB ? 'warn' : 'ok', text })
  return findings
}

function nearestExisting(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })) return path
  const parent = dirname(path)
  return parent === path ? path : nearestExisting(parent)
}

/** Milliseconds that a small file takes to the disk. */
function timeOfSync(directory: string): number {
  const path = join(directory, `.dohle-doctor-${process.pid}`)
  const file = openSync(path, 'wx', 0o600)
  try {
    const startedAtMs = performance.now()
    writeSync(file, 'x'.repeat(4_096))
    fsyncSync(file)
    return performance.now() - startedAtMs
  } finally {
    closeSync(file)
    rmSync(path, { force: true })
  }
}

/** How a program of this machine reaches a listener. */
function reachable({ host, port }: ListenerSetting): string | undefined {
  if (port === 0) return undefined
  const isWildcard = host === '' || host === '0.0.0.0' || host === '::'
  return formatAddress({ host: isWildcard ? 'localhost' : host, port })
}

const TIMEOUT_MS = 3_000

function openCluster(address: string): Cluster {
  return new Cluster({
    bootstrap: parseBrokerAddresses(address),
    connectTimeoutMs: TIMEOUT_MS,
    requestTimeoutMs: TIMEOUT_MS,
    retryTimeoutMs: TIMEOUT_MS,
  })
}

/** Every address that the broker tells clients has to lead to a broker of the same cluster. */
async function checkClients(address: string, isAsked: boolean): Promise<Finding[]> {
  const cluster = openCluster(address)
  try {
    const { clusterId, nodes } = await cluster.describe()
    const findings: Finding[] = [
      { check: 'clients', status: 'ok', text: `a broker answers at ${address}` },
    ]
    for (const node of nodes) findings.push(await checkAdvertised(node, clusterId, address))
    return findings
  } catch (error) {
    const text = `no broker answers at ${address}: ${reasonOf(error)}`
    if (isAsked) return [{ check: 'clients', status: 'fail', text }]
    return [{ check: 'clients', status: 'note', text: `no broker runs at ${address} to be asked` }]
  } finally {
    cluster.close()
  }
}

async function checkAdvertised(
  node: Node,
  clusterId: string | null,
  asked: string,
): Promise<Finding> {
  const address = formatAddress(node)
  const advertised = `broker ${node.nodeId} tells clients to use ${address}`
  const cluster = openCluster(address)
  try {
    const found = await cluster.describe()
    if (found.clusterId === clusterId) {
      return { check: 'clients', status: 'ok', text: `${advertised}, which works from here` }
    }
    const text = `${advertised}, where another cluster answers (${found.clusterId})`
    return { check: 'clients', status: 'fail', text }
  } catch (error) {
    const text =
      `${advertised}, which does not work from here (${reasonOf(error)}), although ${asked} ` +
      'does. Set advertised.listeners to an address that clients can dial'
    return { check: 'clients', status: 'fail', text }
  } finally {
    cluster.close()
  }
}

/** Anything but a broker's or a connection's failure is ours. */
function reasonOf(error: unknown): string {
  if (!(error instanceof ConnectionError) && !(error instanceof KafkaError)) throw error
  return error instanceof ConnectionError ? error.message.replace(/^\S+: /, '') : error.message
}
