import type { LoadedSettings } from '../../settings/load-settings.ts'
import type { Setting } from '../../settings/setting.ts'
import { START_OPTIONS, type StartArguments, startOptions } from '../command-line.ts'
import { type Choose, type CommandContext, flag, type Parser } from './command-context.ts'

const OPTIONS = {
  ...START_OPTIONS,
  all: flag('also those that have their defaults'),
  json: flag('print JSON'),
} as const

type Arguments = StartArguments & {
  readonly all: boolean | undefined
  readonly json: boolean | undefined
}

export function declareConfigPrint(parser: Parser, choose: Choose): Parser {
  return parser.command(
    'print',
    'show the settings that a start with these options has, and where each comes from',
    (print) => print.options(OPTIONS).example('$0 config print --config server.properties', ''),
    (args) => choose((context) => printConfig(args, context)),
  )
}

interface Row {
  readonly name: string
  readonly value: string | null
  readonly from: string
}

async function printConfig(args: Arguments, context: CommandContext): Promise<undefined> {
  const { loadConfiguration } = await import('../configuration.ts')
  const { brokerSettingsByName } = await import('../../settings/broker-settings.ts')
  const loaded = loadConfiguration(startOptions(args))
  const rows = rowsOf(loaded, brokerSettingsByName).filter(
    ({ from }) => args.all || from !== 'default',
  )
  if (args.json) context.out.json(rows)
  else {
    context.out.table(
      ['SETTING', 'VALUE', 'FROM'],
      rows.map(({ name, value, from }) => [name, value ?? '', from]),
    )
  }
  for (const { message } of loaded.warnings) context.err.write(`warning: ${message}\n`)
}

/** Every setting of the table, and every name that was given besides, sorted. */
function rowsOf({ settings, where }: LoadedSettings, table: ReadonlyMap<string, Setting>): Row[] {
  const names = new Set([...table.keys(), ...settings.staticTexts.keys()])
  return [...names].sort().map((name) => {
    const setting = table.get(name)
    const text = settings.text(name) ?? setting?.defaultText ?? null
    const source = settings.source(name)
    return {
      name,
      value: setting?.type === 'password' && text !== null ? '(kept secret)' : text,
      from: source === 'mode' ? `mode ${settings.mode}` : (where.get(name) ?? source),
    }
  })
}
