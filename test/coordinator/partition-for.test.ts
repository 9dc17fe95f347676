import { expect, test } from 'vitest'
import { javaHashCode, partitionFor } from '../../src/coordinator/partition-for.ts'
import { goldenJson } from '../protocol/golden.ts'

interface Vector {
  readonly id: string
  readonly javaHashCode: number
  readonly partition: { readonly [partitionCount: string]: number }
}

test('ids are coordinated by the partition that Kafka chooses', () => {
  for (const vector of goldenJson<Vector[]>('basics/coordinator-partitions.json')) {
    expect(javaHashCode(vector.id), vector.id).toBe(vector.javaHashCode)
    for (const [count, partition] of Object.entries(vector.partition)) {
      expect(partitionFor(vector.id, Number(count)), `${vector.id} of ${count}`).toBe(partition)
    }
  }
})
