/** `npm run show-codec -- Fetch 12` prints the code that reads and writes Fetch version 12. */
import { apis } from '../src/protocol/apis/index.ts'
import { codecSource } from '../src/protocol/codec.ts'

const [name = '', version = ''] = process.argv.slice(2)
const api = apis.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase())
const isKnown =
  api !== undefined &&
  /^\d+$/.test(version) &&
  Number(version) >= api.versions[0] &&
  Number(version) <= api.versions[1]

if (isKnown) {
  for (const message of [api.request, api.response]) {
    for (const direction of ['read', 'write'] as const) {
      console.log(codecSource(message, Number(version), direction))
    }
  }
} else {
  const versions = api && `; ${api.name} has versions ${api.versions.join(' to ')}`
  console.error(`usage: npm run show-codec -- <API name> <version>${versions ?? ''}`)
  process.exitCode = 1
}
