/**
 * JSON as text, for values that must come out as they went in: a number is never parsed, since a
 * JavaScript number would round it.
 */

/** One member of an object, its value as it stands in the text. */
export interface JsonMember {
  readonly name: string
  readonly text: string
}

/** The members of a JSON object in their order. Throws `SyntaxError` when it is no such text. */
export function membersOf(text: string): JsonMember[] {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SyntaxError('an object was expected')
  }
  return partsOf(text).map((part) => {
    const nameEnd = endOfString(part, 0)
    const colon = part.indexOf(':', nameEnd)
    return { name: JSON.parse(part.slice(0, nameEnd)), text: part.slice(colon + 1).trim() }
  })
}

/** The elements of a JSON array as text. Throws `SyntaxError` when it is no such text. */
export function elementsOf(text: string): string[] {
  if (!Array.isArray(JSON.parse(text))) throw new SyntaxError('an array was expected')
  return partsOf(text)
}

/** What stands between the commas of an object or array that is known to be well formed. */
function partsOf(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  let at = 0
  while (at < text.length) {
    const mark = text[at]!
    if (mark === '"') {
      at = endOfString(text, at)
      continue
    }
    if ((mark === '{' || mark === '[') && ++depth === 1) start = at + 1
    const isEnd = (mark === '}' || mark === ']') && --depth === 0
    if (isEnd || (mark === ',' && depth === 1)) {
      const part = text.slice(start, at).trim()
      if (part !== '') parts.push(part)
      start = at + 1
    }
    at++
  }
  return parts
}

/** Behind the closing quote of the string that begins at `at`. */
function endOfString(text: string, at: number): number {
  let end = at + 1
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  return end + 1
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Well-formed JSON on one line: blanks between its parts go when there are line breaks. */
export function onOneLine(text: string): string {
  const trimmed = text.trim()
  if (!/[\n\r]/.test(trimmed)) return trimmed
  let line = ''
  let at = 0
  while (at < trimmed.length) {
    const end = trimmed[at] === '"' ? endOfString(trimmed, at) : at + 1
    const part = trimmed.slice(at, end)
    if (part.trim() !== '') line += part
    at = end
  }
  return line
}
