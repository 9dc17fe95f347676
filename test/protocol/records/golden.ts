import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect } from 'vitest'

/** Bytes that Apache Kafka wrote, and what they mean: one JSON value a line. */
export function goldenLines<T>(name: string): T[] {
  const file = new URL(`../../golden/records/${name}`, import.meta.url)
  const bytes = readFileSync(file)
  const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

export function goldenJson<T>(name: string): T {
  const file = new URL(`../../golden/records/${name}`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as T
}

export interface GoldenRecord {
  offset: string
  timestamp: string
  sequence?: number
  key: string | null
  value?: string | null
  valueLength?: number
  valueSha256?: string
  headers?: { key: string; value: string | null }[]
  controlType?: string
  coordinatorEpoch?: number
}

export interface GoldenHeader {
  baseOffset?: string
  offset?: string
  timestamp?: string
  messageSize?: number
  batchLength: number
  partitionLeaderEpoch?: number
  magic: number
  crc: number
  attributes: number
  lastOffsetDelta?: number
  baseTimestamp?: string
  maxTimestamp?: string
  producerId?: string
  producerEpoch?: number
  baseSequence?: number
  recordCount?: number
}

export interface GoldenBatch {
  position: number
  sizeInBytes: number
  magic: number
  compression: string
  timestampType: string
  lastOffset: string
  nextOffset: string
  lastSequence?: number
  isTransactional?: boolean
  isControlBatch?: boolean
  deleteHorizonMs?: string
  header: GoldenHeader
  records: GoldenRecord[]
}

export interface ValidVector {
  name: string
  note?: string
  hex: string
  batches: GoldenBatch[]
}

export type Verdict = string | { error: string; message?: string }

export interface CorruptVector {
  name: string
  note: string
  hex: string
  verdict: Record<
    'split' | 'ensureValid' | 'records' | 'recordsSkippingContent' | 'produceRequestCheck',
    Verdict | undefined
  >
}

export interface ProduceAnswer {
  errorCode?: number
  error?: string
  errorMessage?: string
  recordErrors?: { batchIndex: number; message: string }[]
  logAppendTimeSet?: boolean
  connectionClosed?: boolean
}

export interface ProduceVector {
  name: string
  file: string
  v3?: ProduceAnswer
  v12?: ProduceAnswer
  v12compactedTopic?: ProduceAnswer
  v12logAppendTimeTopic?: ProduceAnswer
  v12zstdTopic?: ProduceAnswer
}

export const validVectors = goldenLines<ValidVector>('valid.jsonl.gz')
export const corruptVectors = goldenLines<CorruptVector>('corrupt.jsonl.gz')
export const produceVectors = goldenLines<ProduceVector>('produce-results.jsonl.gz')

export function bytesOf(hex: string): Buffer {
  return Buffer.from(hex, 'hex')
}

/** What a saturating int64 reader makes of a decimal string. */
export function saturated(decimal: string | number): number {
  const value = Number(decimal)
  return Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
}

export function expectRecord(record: ReadRecord, golden: GoldenRecord): void {
  expect(record.offset).toBe(saturated(golden.offset))
  expect(record.timestamp).toBe(saturated(golden.timestamp))
  expect(hexOf(record.key)).toBe(golden.key)
  if (golden.valueSha256 === undefined) {
    expect(hexOf(record.value)).toBe(golden.value)
    return
  }
  expect(record.value?.length).toBe(golden.valueLength)
  expect(createHash('sha256').update(record.value!).digest('hex')).toBe(golden.valueSha256)
}

export interface ReadRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

export function hexOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('hex')
}
