/** One entry of a properties file. */
export interface PropertyEntry {
  readonly key: string
  readonly value: string
  /** Line where the entry begins, from 1. */
  readonly line: number
}

/**
 * Reads the text of a Java properties file: comments with # or !, keys up to `=`, `:` or a blank,
 * lines continued by a backslash at their end, escapes. Entries in the order of the file, also
 * when a key comes twice (the last one wins in Java).
 */
export function parseProperties(text: string): PropertyEntry[] {
  const entries: PropertyEntry[] = []
  const lines = text.split(/\r\n|\n|\r/)
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1
    let logical = lines[index]!.trimStart()
    if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue
    while (endsOpen(logical) && index + 1 < lines.length) {
      logical = logical.slice(0, -1) + lines[++index]!.trimStart()
    }
    if (endsOpen(logical)) logical = logical.slice(0, -1)
    const { key, value } = splitEntry(logical)
    entries.push({ key: unescaped(key), value: unescaped(value), line })
  }
  return entries
}

/** Whether an odd number of backslashes stands at the end. */
function endsOpen(line: string): boolean {
  return (/\\*$/.exec(line)?.[0].length ?? 0) % 2 === 1
}

function splitEntry(line: string): { key: string; value: string } {
  let end = 0
  while (end < line.length && !/[=:\s]/.test(line[end]!)) end += line[end] === '\\' ? 2 : 1
  const separator = /^\s*[=:]?\s*/.exec(line.slice(end))?.[0] ?? ''
  return { key: line.slice(0, end), value: line.slice(end + separator.length) }
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescaped(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|.|$)/g, (_, escaped: string) => {
    if (escaped.length === 5) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    return ESCAPES[escaped] ?? escaped
  })
}
