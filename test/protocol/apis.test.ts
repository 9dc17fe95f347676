import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { apiByKey, apis } from '../../src/protocol/apis/index.ts'
import { isFlexible } from '../../src/protocol/header.ts'
import { goldenJson } from './golden.ts'

interface GoldenApi {
  readonly key: number
  readonly name: string
  /** False: removed; then the rest is missing. */
  readonly valid: boolean
  readonly min: number
  readonly max: number
  readonly requestFlexibleFrom: number
  readonly requestHeaderVersions: readonly number[]
}

const golden = goldenJson<GoldenApi[]>('basics/api-versions.json')
/** Of the 4.4 line: Apache Kafka 4.3.1, which wrote the golden table, has no such keys. */
const NEWER = ['StreamsGroupTopologyDescriptionUpdate', 'UnregisterController']

test('every API key of Apache Kafka is declared under its name', () => {
  const expected = golden.filter(({ valid }) => valid).map(({ key, name }) => `${key} ${name}`)
  const declared = apis
    .filter(({ name }) => !NEWER.includes(name))
    .map(({ key, name }) => `${key} ${name}`)
  expect(declared).toEqual(expected)
})

test('declared versions include those of Apache Kafka and begin to be flexible with them', () => {
  for (const { key, name, valid, min, max, requestFlexibleFrom } of golden) {
    const api = apiByKey(key)
    if (!valid) expect(api, name).toBeUndefined()
    if (api === undefined || !valid) continue
    expect(api.versions[0], name).toBeLessThanOrEqual(min)
    expect(api.versions[1], name).toBeGreaterThanOrEqual(max)
    const flexibleFrom = api.flexibleSince === undefined ? -1 : Math.max(api.flexibleSince, min)
    expect(flexibleFrom, name).toBe(requestFlexibleFrom)
  }
})

test('flexible versions are those with request header 2', () => {
  for (const { key, min, requestHeaderVersions } of golden.filter(({ valid }) => valid)) {
    requestHeaderVersions.forEach((headerVersion, index) => {
      expect(isFlexible(apiByKey(key)!, min + index)).toBe(headerVersion === 2)
    })
  }
})

test('every file of apis/ is in the list, named after its key and API', () => {
  const folder = new URL('../../src/protocol/apis/', import.meta.url)
  const files = readdirSync(folder).filter((file) => file !== 'index.ts')
  const expected = apis.map(({ key, name }) => {
    const kebab = name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()
    return `${String(key).padStart(2, '0')}-${kebab}.ts`
  })
  expect(files.sort()).toEqual(expected.sort())
})

test('keys that were removed or never were have no declaration', () => {
  for (const key of [-1, 4, 5, 6, 7, 95, 32_767]) expect(apiByKey(key)).toBeUndefined()
})
