import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { Files } from '../../src/storage/local/files.ts'

const BLOCK_BYTES = 512

/** Unpacks `test/golden/storage/<name>` (tar, gzip) below `directory`. */
export function unpack(name: string, files: Files, directory: string): void {
  const path = fileURLToPath(new URL(`../golden/storage/${name}`, import.meta.url))
  const tar = gunzipSync(readFileSync(path))
  let longName: string | undefined
  for (let at = 0; at + BLOCK_BYTES <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK_BYTES)
    if (header[0] === 0) return
    const sizeBytes = Number.parseInt(field(header, 124, 12), 8)
    const type = String.fromCharCode(header[156]!)
    const content = tar.subarray(at + BLOCK_BYTES, at + BLOCK_BYTES + sizeBytes)
    at += BLOCK_BYTES + Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES
    if (type === 'L') {
      longName = content.toString('utf8').replace(/\0.*$/s, '')
      continue
    }
    const prefix = field(header, 345, 155)
    const entry = longName ?? (prefix ? `${prefix}/` : '') + field(header, 0, 100)
    longName = undefined
    const target = `${directory}/${entry}`.replace(/\/$/, '')
    if (type === '5') files.makeDirectory(target)
    else if (type === '0' || type === '\0') files.writeFile(target, content)
    else throw new Error(`${name} has an entry of type ${type}: ${entry}`)
  }
}

function field(header: Buffer, start: number, length: number): string {
  return header
    .subarray(start, start + length)
    .toString('utf8')
    .replace(/\0.*$/s, '')
    .trim()
}
