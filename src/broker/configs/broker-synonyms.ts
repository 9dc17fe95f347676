/** Settings of which the first one set decides, by each of their names. */
const groups: readonly (readonly string[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
]

/** Settings whose listener form may also name a SASL mechanism. */
const perMechanism = [
  'sasl.server.callback.handler.class',
  'connections.max.reauth.ms',
  'sasl.login.callback.handler.class',
  'sasl.jaas.config',
  'sasl.login.class',
]

const LISTENER_PREFIX = /^listener\.name\.[^.]*\.(.*)$/

/** The setting that a name with a listener's prefix stands for; undefined without a prefix. */
export function baseOfListenerSetting(name: string): string | undefined {
  const base = LISTENER_PREFIX.exec(name)?.[1]
  if (base === undefined) return undefined
  return perMechanism.find((setting) => base.endsWith(setting)) ?? base
}

/** Names that decide a broker setting, the strongest first; the name itself is among them. */
export function brokerSynonyms(name: string): readonly string[] {
  const group = groups.find((names) => names.includes(name))
  if (group) return group
  const base = baseOfListenerSetting(name)
  return base === undefined ? [name] : [name, base]
}
