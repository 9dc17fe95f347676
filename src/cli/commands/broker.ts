import http from 'node:http'
import type { RemoteNode } from '../../embed/control/remote-broker.ts'
import { DEFAULT_PORT } from '../command-line.ts'
import { ExitCode, StartError } from '../exit-code.ts'
import { readRunFile } from '../run-file.ts'
import {
  type Choose,
  type CommandContext,
  flag,
  type Parser,
  parseCount,
  value,
} from './command-context.ts'

const OPTIONS = {
  port: value(`a port of the dohle that presents them [${DEFAULT_PORT}]`),
  json: flag('print JSON'),
} as const

interface Arguments {
  readonly port: string | undefined
  readonly json: boolean | undefined
}

export function declareBroker(parser: Parser, choose: Choose): Parser {
  const id = { type: 'string', demandOption: true } as const
  return parser.command('broker', 'take one of several brokers down, and bring it back', (broker) =>
    broker
      .command(
        ['list', 'ls'],
        'print the brokers of a dohle that presents several',
        (list) => list.options(OPTIONS),
        (args) => choose((context) => print(args, context)),
      )
      .command(
        'stop <id>',
        'take a broker down: its leaders move to others',
        (stop) => stop.options(OPTIONS).positional('id', id),
        (args) => choose((context) => change('stop', args.id, args, context)),
      )
      .command(
        'start <id>',
        'bring a broker back on its port',
        (start) => start.options(OPTIONS).positional('id', id),
        (args) => choose((context) => change('start', args.id, args, context)),
      )
      .demandCommand(1, 'broker: use list, stop or start'),
  )
}

async function print(args: Arguments, { out }: CommandContext): Promise<undefined> {
  const brokers = await ask<RemoteNode[]>(args, 'GET', '/brokers')
  if (args.json) {
    out.json(brokers)
    return
  }
  out.table(
    ['ID', 'ADDRESS', 'STATE'],
    brokers.map(({ brokerId, bootstrapServers, isUp }) => [
      String(brokerId),
      bootstrapServers,
      isUp ? 'up' : 'down',
    ]),
  )
}

async function change(
  verb: 'stop' | 'start',
  text: string,
  args: Arguments,
  { out }: CommandContext,
): Promise<undefined> {
  const id = parseCount(text, 'broker', 0)
  const broker = await ask<RemoteNode>(args, 'POST', `/brokers/${id}/${verb}`)
  if (args.json) out.json(broker)
  else out.line(`broker ${id} is ${broker.isUp ? 'up' : 'down'}`)
}

/** Asks the process that listens on the port, by the socket that only its user can reach. */
async function ask<T>(args: Arguments, method: string, path: string): Promise<T> {
  const port = args.port === undefined ? DEFAULT_PORT : parseCount(args.port, '--port', 1, 65_535)
  const run = readRunFile(port)
  if (!run) {
    const message = `no dohle of this user listens on port ${port}`
    throw new StartError(ExitCode.UNREACHABLE, message)
  }
  if (!run.controlSocket) {
    const message = `the dohle on port ${port} has one broker; start several with --brokers`
    throw new StartError(ExitCode.REFUSED, message)
  }
  const { status, body } = await request(run.controlSocket, method, path)
  const answer = JSON.parse(body)
  if (status === 200) return answer
  throw new StartError(ExitCode.REFUSED, String(answer?.error?.message ?? `status ${status}`))
}

function request(
  socketPath: string,
  method: string,
  path: string,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = http.request({ socketPath, method, path }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        body += text
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('error', reject)
    })
    asked.on('error', (error) => {
      const message = `the dohle behind ${socketPath} does not answer: ${error.message}`
      reject(new StartError(ExitCode.UNREACHABLE, message, { cause: error }))
    })
    asked.end()
  })
}
