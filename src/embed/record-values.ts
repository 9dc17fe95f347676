/** What may be written as a key or value: text as UTF-8, bytes as they are, the rest as JSON. */
export type Writable =
  | string
  | Uint8Array
  | number
  | boolean
  | null
  | undefined
  | { readonly [name: string]: unknown }
  | readonly unknown[]

/**
 * How keys and values are read. `auto`: JSON objects and arrays are parsed, other text is a string,
 * what is not UTF-8 is a Buffer. `json` parses everything and throws for what is no JSON.
 */
export type ValueFormat = 'auto' | 'json' | 'string' | 'buffer'

export function encodedValue(value: Writable): Uint8Array | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return Buffer.from(value)
  if (value instanceof Uint8Array) return value
  return Buffer.from(JSON.stringify(value))
}

/** `bytes` are copied where the value refers to them. Null stays null. */
export function decodedValue(bytes: Uint8Array | null, format: ValueFormat): unknown {
  if (bytes === null) return null
  switch (format) {
    case 'buffer':
      return Buffer.from(bytes)
    case 'string':
      return Buffer.from(bytes).toString('utf8')
    case 'json':
      return parse(Buffer.from(bytes).toString('utf8'))
    case 'auto':
      return guess(bytes)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const shown = text.length > 80 ? `${text.slice(0, 80)}...` : text
    throw new SyntaxError(`not JSON: ${shown}`, { cause: error })
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function guess(bytes: Uint8Array): unknown {
  let text: string
  try {
    text = strict.decode(bytes)
  } catch {
    return Buffer.from(bytes)
  }
  if (!/^\s*[{[]/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
