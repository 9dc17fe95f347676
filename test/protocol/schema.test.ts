import { expectTypeOf, test } from 'vitest'
import type { Fetch } from '../../src/protocol/apis/01-fetch.ts'
import { Metadata } from '../../src/protocol/apis/03-metadata.ts'
import type { OffsetCommitRecord } from '../../src/protocol/embedded/classic-group-records.ts'
import type { ValueOf } from '../../src/protocol/embedded/record-type.ts'
import type { RequestOf, ResponseOf } from '../../src/protocol/schema.ts'

type FetchRequest = RequestOf<typeof Fetch>
type FetchedPartition = ResponseOf<typeof Fetch>['responses'][number]['partitions'][number]
type MetadataTopic = ResponseOf<typeof Metadata>['topics'][number]

// Checked by tsc: what is inferred from declarations.

test('a decoded message has every field, null only where it is declared', () => {
  expectTypeOf<FetchRequest['clusterId']>().toEqualTypeOf<string | null>()
  expectTypeOf<FetchRequest['rackId']>().toEqualTypeOf<string>()
  expectTypeOf<FetchRequest['replicaState']['replicaEpoch']>().toEqualTypeOf<number>()
  expectTypeOf<FetchRequest['topics'][number]['partitions'][number]['fetchOffset']>().toBeNumber()
  expectTypeOf<ValueOf<typeof OffsetCommitRecord>['topicId']>().toEqualTypeOf<string>()
  expectTypeOf(Metadata.key).toBeNumber()
})

test('a message to encode needs the fields of all versions that have no default', () => {
  expectTypeOf<{
    errorCode: number
    name: string | null
    partitions: []
  }>().toExtend<MetadataTopic>()
  expectTypeOf<{ name: string; partitions: [] }>().not.toExtend<MetadataTopic>()
  expectTypeOf<{ errorCode: string; name: null; partitions: [] }>().not.toExtend<MetadataTopic>()
})

test('record bytes may be any bytes, or null', () => {
  expectTypeOf<FetchedPartition['records']>().toEqualTypeOf<Uint8Array | null>()
})

test('messages are for reading only', () => {
  expectTypeOf<FetchRequest['topics']>().not.toExtend<unknown[]>()
})
