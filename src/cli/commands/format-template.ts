/**
 * Templates of records, with rpk's letters: `%p/%o %k=%v\n`. A letter may have a modifier in braces,
 * `%v{hex}`. Here they are taken apart; record-format.ts and record-reader.ts give them meaning.
 */
export type TemplatePart =
  | { readonly text: Buffer }
  | { readonly letter: string; readonly modifier: string | undefined }

/** Throws `SyntaxError` in words for the user. */
export function parseTemplate(template: string): TemplatePart[] {
  const parts: TemplatePart[] = []
  let literal: Buffer[] = []
  const endLiteral = () => {
    if (literal.length > 0) parts.push({ text: Buffer.concat(literal) })
    literal = []
  }
  let at = 0
  while (at < template.length) {
    const mark = template[at]!
    if (mark === '\\') {
      const { bytes, end } = escapeAt(template, at)
      literal.push(bytes)
      at = end
    } else if (mark !== '%') {
      const next = /[%\\]/.exec(template.slice(at))?.index ?? template.length - at
      literal.push(Buffer.from(template.slice(at, at + next)))
      at += next
    } else {
      const letter = template[at + 1]
      if (letter === undefined) throw new SyntaxError("the format ends with '%': write %% for one")
      at += 2
      if (letter === '%' || letter === '{' || letter === '}') {
        literal.push(Buffer.from(letter))
        continue
      }
      endLiteral()
      const end = template[at] === '{' ? endOfBraces(template, at) : at
      const modifier = end > at ? template.slice(at + 1, end - 1) : undefined
      parts.push({ letter, modifier })
      at = end
    }
  }
  endLiteral()
  return parts
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', '\\': '\\' }

function escapeAt(template: string, at: number): { bytes: Buffer; end: number } {
  const letter = template[at + 1]
  const simple = letter === undefined ? undefined : ESCAPES[letter]
  if (simple !== undefined) return { bytes: Buffer.from(simple), end: at + 2 }
  const hex = /^x([0-9a-fA-F]{2})/.exec(template.slice(at + 1))?.[1]
  if (hex !== undefined) return { bytes: Buffer.from(hex, 'hex'), end: at + 4 }
  throw new SyntaxError(`'\\${letter ?? ''}' in the format: use \\t \\n \\r \\\\ or \\xNN`)
}

/** Behind the brace that closes the one at `at`. Escaped braces and those of %{ and %} count not. */
function endOfBraces(template: string, at: number): number {
  let depth = 0
  for (let end = at; end < template.length; end++) {
    const mark = template[end]
    if (mark === '\\') end++
    else if (mark === '%' && /[{}%]/.test(template[end + 1] ?? '')) end++
    else if (mark === '{') depth++
    else if (mark === '}' && --depth === 0) return end + 1
  }
  throw new SyntaxError(`'${template.slice(at)}' in the format has no closing brace`)
}

/**
 * The word in front and the text in brackets of `strftime[%F]` or `unpack#<I$#`: the bracket may be
 * repeated, so that the text may contain it. Undefined when there are no brackets.
 */
export function bracketed(modifier: string): { word: string; text: string } | undefined {
  const match = /^([a-z]+)([[{(#])/.exec(modifier)
  if (!match) return undefined
  const [, word = '', open = ''] = match
  let count = 0
  while (modifier[word.length + count] === open) count++
  const close = { '[': ']', '{': '}', '(': ')', '#': '#' }[open]!.repeat(count)
  const start = word.length + count
  const end = modifier.indexOf(close, start)
  if (end < 0 || end + count !== modifier.length) {
    throw new SyntaxError(`'${modifier}' in the format: the bracket is not closed`)
  }
  return { word, text: modifier.slice(start, end) }
}
