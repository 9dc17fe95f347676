import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test, vi } from 'vitest'

const pathOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

test('the example in docs/PROTOCOL.md prints what it says', async () => {
  const document = readFileSync(pathOf('docs/PROTOCOL.md'), 'utf8')
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(document) ?? []
  const [, output = ''] = /```text\n([\s\S]*?)```/.exec(document) ?? []
  const library = pathToFileURL(pathOf('src/protocol/index.ts')).href
  const folder = mkdtempSync(join(tmpdir(), 'dohle-example-'))
  const printed: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((line) => printed.push(String(line)))
  try {
    const file = join(folder, 'example.mjs')
    writeFileSync(file, code.replaceAll("'dohle/protocol'", `'${library}'`))
    await import(file)
  } finally {
    log.mockRestore()
    rmSync(folder, { recursive: true })
  }
  expect(printed).toEqual(output.trimEnd().split('\n'))
})
