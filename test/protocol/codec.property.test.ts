import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { apis } from '../../src/protocol/apis/index.ts'
import { decodeBody, encodeBody } from '../../src/protocol/body.ts'
import { clusterMetadataRecords } from '../../src/protocol/embedded/cluster-metadata.ts'
import { consumerOffsetsRecords } from '../../src/protocol/embedded/consumer-offsets.ts'
import type { Message } from '../../src/protocol/schema.ts'
import { arbitraryMessage } from './arbitrary-message.ts'

const messages: Message[] = [
  ...apis.flatMap(({ request, response }) => [request, response]),
  ...consumerOffsetsRecords.map(({ value }) => value),
  ...clusterMetadataRecords,
]

describe.each(messages.map((message) => ({ name: message.name, message })))(
  '$name',
  ({ message }) => {
    const [min, max] = message.versions
    const versions = Array.from({ length: max - min + 1 }, (_, index) => min + index)

    test.each(versions)('v%d reads what was written', (version) => {
      fc.assert(
        fc.property(arbitraryMessage(message, version), (value) => {
          const bytes = encodeBody(message, version, value)
          const decoded = decodeBody(message, version, bytes)
          expect(decoded).toMatchObject(value)
          expect(encodeBody(message, version, decoded)).toEqual(bytes)
        }),
        { numRuns: 8 },
      )
    })

    test('has one shape in all versions', () => {
      const shapes = versions.map((version) => {
        const [value] = fc.sample(arbitraryMessage(message, version), 1)
        return Object.keys(decodeBody(message, version, encodeBody(message, version, value!)))
      })
      for (const shape of shapes) expect(shape).toEqual(Object.keys(message.fields))
    })
  },
)
