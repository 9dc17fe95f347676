import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { brokerSettingsByName, camelCase } from '../../src/settings/broker-settings.ts'
import { groupFallback, groupSettingsByName } from '../../src/settings/group-settings.ts'
import { topicFallbacks, topicSettingsByName } from '../../src/settings/topic-settings.ts'

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url))

/** All of src but the tables themselves. */
function sources(directory = SOURCE): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return entry.name === 'tables' ? [] : sources(path)
    return [readFileSync(path, 'utf8')]
  })
}

/** Settings that are read by their names, as what a topic or a group falls back to or stays within. */
function readByName(): Set<string> {
  const topic = Array.from(topicSettingsByName.keys()).flatMap((name) =>
    topicFallbacks(name).map((fallback) => fallback.name as string),
  )
  const group = Array.from(groupSettingsByName.keys()).flatMap((name) => {
    const [kind, ...rest] = name.split('.')
    const bounds = ['min', 'max'].map((which) => `group.${kind}.${which}.${rest.join('.')}`)
    return [groupFallback(name) ?? '', ...bounds]
  })
  return new Set([...topic, ...group, 'group.streams.max.standby.replicas'])
}

test('a setting that says it has an effect is read somewhere', () => {
  const text = sources().join('\n')
  const words = new Set(text.match(/\w+/g))
  const named = readByName()
  const idle = Array.from(brokerSettingsByName)
    .filter(([name, { effect }]) => effect && !words.has(camelCase(name)) && !named.has(name))
    .map(([name]) => name)
  // One that is read now and marked `unused` in its table should lose that mark.
  expect(idle).toEqual([])
})
