import {
  alterConfigs,
  CONFIG_RESOURCE_TYPES,
  type ConfigEntry,
  type ConfigResource,
  type ConfigResourceType,
  describeConfigs,
} from '../../client/config-admin.ts'
import {
  type Choose,
  CLIENT_OPTIONS,
  type ClientArguments,
  type CommandContext,
  flag,
  type Parser,
  parsePairs,
  usage,
  values,
  withCluster,
} from './command-context.ts'
import { declareConfigPrint } from './config-print.ts'

const TYPES = Object.keys(CONFIG_RESOURCE_TYPES) as ConfigResourceType[]
const TYPE = { choices: TYPES, demandOption: true, describe: 'what has them' } as const
const NAME = {
  type: 'string',
  demandOption: true,
  describe: "which one; 'default' for what all brokers share",
} as const

export function declareConfig(parser: Parser, choose: Choose): Parser {
  return parser.command(
    'config',
    'print the settings of a start; get and set those of topics and brokers',
    (config) =>
      declareConfigPrint(config, choose)
        .command(
          'get <type> <name> [keys..]',
          'show the settings of a topic, broker or group that were changed, or those named',
          (get) =>
            get
              .options({ ...CLIENT_OPTIONS, all: flag('also those that have their defaults') })
              .positional('type', TYPE)
              .positional('name', NAME)
              .positional('keys', { type: 'string', array: true, default: [] })
              .example('$0 config get topic orders', '')
              .example('$0 config get topic orders retention.ms', 'the value alone'),
          (args) => choose((context) => getConfigs(resourceOf(args), args.keys, args, context)),
        )
        .command(
          'set <type> <name> [pairs..]',
          'change settings while the broker runs',
          (set) =>
            set
              .options({
                ...CLIENT_OPTIONS,
                delete: values('a setting that takes its default again; repeatable'),
              })
              .positional('type', TYPE)
              .positional('name', NAME)
              .positional('pairs', { type: 'string', array: true, default: [] })
              .example('$0 config set topic orders retention.ms=60000', ''),
          (args) => choose((context) => setConfigs(resourceOf(args), args.pairs, args, context)),
        )
        .demandCommand(1, 'config: use print, get or set'),
  )
}

interface ResourceArguments {
  readonly type: ConfigResourceType
  readonly name: string
}

function resourceOf({ type, name }: ResourceArguments): ConfigResource {
  return { type, name: type === 'broker' && name === 'default' ? '' : name }
}

async function getConfigs(
  resource: ConfigResource,
  keys: readonly string[],
  args: ClientArguments & { readonly all: boolean | undefined },
  context: CommandContext,
): Promise<undefined> {
  const entries = await withCluster(args, context, (cluster) =>
    describeConfigs(cluster, resource, keys.length > 0 ? keys : null),
  )
  const missing = keys.find((key) => !entries.some(({ name }) => name === key))
  if (missing !== undefined) throw usage(`a ${resource.type} has no setting ${missing}`)
  const shown = entries.filter(({ isDefault }) => args.all || keys.length > 0 || !isDefault)
  if (args.json) context.out.json(shown.map(asJson))
  else if (keys.length === 1) context.out.line(shown[0]?.value ?? '')
  else {
    context.out.table(
      ['SETTING', 'VALUE', 'FROM'],
      shown.map((entry) => [entry.name, textOf(entry), entry.source]),
    )
  }
}

function textOf({ value, isSensitive }: ConfigEntry): string {
  return value ?? (isSensitive ? '(kept secret)' : '(none)')
}

function asJson({ name, value, source, isReadOnly, isSensitive }: ConfigEntry) {
  return { name, value, source, readOnly: isReadOnly, sensitive: isSensitive }
}

async function setConfigs(
  resource: ConfigResource,
  pairs: readonly string[],
  args: ClientArguments & { readonly delete: readonly string[] | undefined },
  context: CommandContext,
): Promise<undefined> {
  const changes = [
    ...[...parsePairs(pairs, 'config set:')].map(
      ([name, text]) => ({ name, op: 'set', value: text }) as const,
    ),
    ...(args.delete ?? []).map((name) => ({ name, op: 'delete' }) as const),
  ]
  if (changes.length === 0) throw usage('config set: nothing to change: use key=value or --delete')
  await withCluster(args, context, (cluster) => alterConfigs(cluster, resource, changes))
  if (args.json) {
    context.out.json(
      changes.map((change) => ({
        name: change.name,
        value: change.op === 'set' ? change.value : null,
      })),
    )
    return
  }
  for (const change of changes) {
    context.out.line(
      change.op === 'set' ? `${change.name}=${change.value}` : `${change.name} has its default`,
    )
  }
}
