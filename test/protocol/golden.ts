import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { parseUuid } from '../../src/base/uuid.ts'
import type { Field, Fields } from '../../src/protocol/schema.ts'

/** A message with its bytes, written by Apache Kafka (test/golden/README.md). */
export interface GoldenMessage {
  readonly version: number
  readonly fill: string
  readonly hex: string
  readonly json: Tree
}

export type Tree = { readonly [name: string]: unknown }

/** Lines of `test/golden/<path>`, which may be compressed. */
export function goldenLines<Line>(path: string): Line[] {
  const text = goldenText(path)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

export function goldenJson<Value>(path: string): Value {
  return JSON.parse(goldenText(path)) as Value
}

function goldenText(path: string): string {
  const file = fileURLToPath(new URL(`../golden/${path}`, import.meta.url))
  const bytes = existsSync(file) ? readFileSync(file) : gunzipSync(readFileSync(`${file}.gz`))
  return bytes.toString('utf8')
}

/** What our reader must give for a tree of Kafka's: defaults added, our kinds of values. */
export function expectedValue(fields: Fields, tree: Tree): Tree {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      name in tree ? fieldValue(field, tree[name]) : absentValue(field),
    ]),
  )
}

function fieldValue(field: Field, node: unknown): unknown {
  if (node === null) return null
  if (field.type === 'struct') return expectedValue(field.fields!, node as Tree)
  if (field.type === 'array') {
    return (node as unknown[]).map((element) => fieldValue(field.element!, element))
  }
  if (field.type === 'int64') return saturated(BigInt(node as string))
  if (field.type === 'uuid') return parseUuid(node as string)
  if (field.type === 'bytes' || field.type === 'records') {
    return Buffer.from(node as string, 'base64')
  }
  return node
}

function absentValue(field: Field): unknown {
  const isStruct = field.type === 'struct'
  if ('default' in field.options && !isStruct) return field.options.default
  if (field.nullable && field.options.default === undefined) return null
  if (isStruct) return expectedValue(field.fields!, {})
  if (field.type === 'array') return []
  if (field.type === 'uuid') return '\0'.repeat(16)
  if (field.type === 'string') return ''
  if (field.type === 'bool') return false
  if (field.type === 'bytes' || field.type === 'records') return Buffer.alloc(0)
  return 0
}

const MAX = BigInt(Number.MAX_SAFE_INTEGER)

function saturated(value: bigint): number {
  return Number(value > MAX ? MAX : value < -MAX ? -MAX : value)
}

/**
 * The bytes that we write for `message`. They are Kafka's, but for int64 values that a number
 * cannot hold: those are written as the extreme they were cut to. Such values stand out in the
 * bytes, every one having digits of its own.
 */
export function expectedHex(fields: Fields, { hex, json }: GoldenMessage): string {
  let expected = hex
  for (const value of unsafeIntegers(fields, json)) {
    const written = hexOf(value)
    const cut = value > 0n ? '7fffffffffffffff' : '8000000000000000'
    const at = expected.indexOf(written)
    if (at < 0) throw new Error(`${written} is not in ${hex}`)
    expected = expected.replaceAll(written, cut)
  }
  return expected
}

function hexOf(value: bigint): string {
  return BigInt.asUintN(64, value).toString(16).padStart(16, '0')
}

/** Beyond what a number holds, and not the extremes, which survive. */
function unsafeIntegers(fields: Fields, tree: Tree): Set<bigint> {
  const found = new Set<bigint>()
  const visit = (field: Field, node: unknown): void => {
    if (node === null || node === undefined) return
    if (field.type === 'array') for (const item of node as unknown[]) visit(field.element!, item)
    if (field.type === 'struct') visitAll(field.fields!, node as Tree)
    if (field.type !== 'int64') return
    const value = BigInt(node as string)
    const isExtreme = value === 2n ** 63n - 1n || value === -(2n ** 63n)
    if (BigInt(saturated(value)) !== value && !isExtreme) found.add(value)
  }
  const visitAll = (all: Fields, node: Tree): void => {
    for (const [name, field] of Object.entries(all)) visit(field, node[name])
  }
  visitAll(fields, tree)
  return found
}
