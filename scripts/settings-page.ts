// npm run docs: writes docs/SETTINGS.md from the tables of src/settings.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { kafkaSettings } from '../src/settings/broker-settings.ts'
import { groupFallback } from '../src/settings/group-settings.ts'
import { modeDefaults } from '../src/settings/mode.ts'
import type { Setting } from '../src/settings/setting.ts'
import { clientMetricsTable } from '../src/settings/tables/client-metrics.ts'
import { dohleSettings } from '../src/settings/tables/dohle.ts'
import { groupConfigTable } from '../src/settings/tables/group-configs.ts'
import { pluginSettings, replicationQuotaSettings } from '../src/settings/tables/plugins.ts'
import { topicTable } from '../src/settings/tables/topics.ts'
import { topicFallbacks } from '../src/settings/topic-settings.ts'

const page = fileURLToPath(new URL('../docs/SETTINGS.md', import.meta.url))

type Table = Readonly<Record<string, Setting>>

/** The page as it should be now. */
export function settingsPage(): string {
  const kafka = { ...kafkaSettings, ...replicationQuotaSettings }
  return `# Settings

<!-- Written by \`npm run docs\`. -->

Every setting has one row in \`src/settings/tables\`: its parsing, what DescribeConfigs answers, what
\`dohle config print\` shows and this page come from it. Values are merged in this order, later ones
win: defaults, what \`dohle.mode\` sets, \`--config FILE\`, variables (\`KAFKA_LOG_DIRS\` or
\`KAFKA_CFG_LOG_DIRS\` is \`log.dirs\`: \`_\` stands for a dot, \`__\` for an underscore, \`___\` for a dash; \`KAFKA_\` wins over \`KAFKA_CFG_\`),
\`--override\` and other flags, then what AlterConfigs has set for all brokers, and for this one.

An unknown name is kept and warned about. A name that has no effect here is read, checked, shown to
clients, and said so once at the start. A wrong value stops the start with name, value and what is
allowed. A reference to a config provider (\`\${file:...}\`) is refused.

* **Default**: Kafka's own, unless *dohle* follows: that is what dohle sets instead; with *dev* or
  *prod* only in that \`--mode\`. Empty: none.
* **Change**: *start* means only before a start; *all* at run time, for one broker or for all; *one*
  at run time, for one broker only.
* **Here**: what it does in dohle: *yes*, or *no effect*.

## The broker

${table(kafka, { scope: true, defaults: true })}

## dohle's own

Clients never see these.

${table(dohleSettings, { scope: false, defaults: true })}

## Of plugins

Names that Kafka's plugins read; clients see them when they are set.

${table(pluginSettings, { scope: false, defaults: false })}

## A topic

A topic without its own value has that of the broker setting in the column *Else*, the first that is
set, else the default.

${table(topicTable, { fallback: (name) => topicFallbacks(name).map((one) => one.name) })}

## A group

${table(groupConfigTable, { fallback: (name) => [groupFallback(name) ?? ''].filter(Boolean) })}

## A subscription to client metrics

${table(clientMetricsTable, {})}
`
}

interface Columns {
  readonly scope?: boolean
  readonly defaults?: boolean
  readonly fallback?: (name: string) => readonly string[]
}

function table(settings: Table, { scope, defaults, fallback }: Columns): string {
  const head = [
    'Name',
    'Type',
    'Default',
    'Allowed',
    ...(scope ? ['Change'] : []),
    ...(fallback ? ['Else'] : []),
    'Here',
    'What it is',
  ]
  const rows = Object.entries(settings)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, setting]) => [
      code(name),
      setting.type,
      [code(setting.defaultText ?? ''), ...(defaults ? ours(name) : [])].join(' '),
      escaped(setting.allowed.text),
      ...(scope ? [CHANGE[setting.scope]] : []),
      ...(fallback ? [fallback(name).map(code).join(', ')] : []),
      setting.effect ? 'yes' : 'no effect',
      escaped(setting.doc) + (setting.internal ? ' Hidden from clients.' : ''),
    ])
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

const CHANGE = { 'read-only': 'start', 'cluster-wide': 'all', 'per-broker': 'one' } as const

const modes = { dev: modeDefaults('dev'), prod: modeDefaults('prod') }

/** What dohle sets instead of Kafka's default. */
function ours(name: string): string[] {
  const [dev, prod] = [modes.dev.get(name), modes.prod.get(name)]
  if (dev === prod) return dev === undefined ? [] : [`dohle: ${code(dev)}`]
  const one = (mode: string, text: string | undefined) =>
    text === undefined ? [] : [`${mode}: ${code(text)}`]
  return [...one('dev', dev), ...one('prod', prod)]
}

function code(text: string): string {
  return text === '' ? '' : `\`${escaped(text)}\``
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('<', '&lt;')
}

export function isSettingsPageFresh(): boolean {
  return readFileSync(page, 'utf8') === settingsPage()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(page, settingsPage())
