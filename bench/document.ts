import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

const path = resolve(import.meta.dirname, '../docs/PERFORMANCE.md')
const BEGIN = '<!-- npm run bench -- --write -->'
const END = '<!-- end of the table -->'

/** Puts `text` where docs/PERFORMANCE.md has its table. */
export function writeDocument(text: string): void {
  const document = readFileSync(path, 'utf8')
  const begin = document.indexOf(BEGIN)
  const end = document.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`${path} has no place for the table`)
  const after = begin + BEGIN.length
  writeFileSync(path, `${document.slice(0, after)}\n${text}\n${document.slice(end)}`)
}
