import { START_OPTIONS, type StartArguments } from '../command-line.ts'
import { type Choose, flag, type Parser, value } from './command-context.ts'

const OPTIONS = {
  ...START_OPTIONS,
  'bootstrap-server': {
    ...value('the broker to look at as a client [the one on the port]'),
    alias: 'b',
  },
  json: flag('print JSON'),
} as const

export type DoctorArguments = StartArguments & {
  readonly 'bootstrap-server': string | undefined
  readonly json: boolean | undefined
}

export function declareDoctor(parser: Parser, choose: Choose): Parser {
  return parser.command(
    'doctor',
    'find what keeps a broker from starting, or clients from reaching it',
    (doctor) =>
      doctor
        .options(OPTIONS)
        .example('$0 doctor --config server.properties', 'would it start here?')
        .example('$0 doctor -b kafka:9092', 'can clients reach what that broker advertises?'),
    (args) =>
      choose(async (context) => {
        const { examine } = await import('./examination.ts')
        return await examine(args, context)
      }),
  )
}
