import {
  checkedName,
  defaultLiteral,
  emptyLiteral,
  fixedSize,
  fixedStructSize,
  isNullable,
  isOptional,
  isPresent,
  tagged,
  untagged,
  type Version,
  versionOf,
} from './field-plan.ts'
import type { Field, Fields, Message } from './schema.ts'
import { SourceText } from './source-text.ts'

/**
 * JavaScript that writes one version of a message through the writer `w`. Space is reserved once
 * for as many fields as possible: a string counts three bytes per UTF-16 unit, an array of
 * fixed-size elements counts as a whole. Only elements of varying size reserve one by one.
 */
export function writerSource(message: Message, version: number): string {
  const functions: string[] = []
  const at = versionOf(message, version)
  const name = `write${checkedName(message.name)}V${version}`
  const body = functionSource(name, at, functions, (compiler) =>
    compiler.struct(message.fields, 'v'),
  )
  return `${functions.join('')}return ${body}`
}

/** `functions` receives the functions that write tagged fields of varying size. */
function functionSource(
  name: string,
  at: Version,
  functions: string[],
  emit: (compiler: WriterCompiler) => void,
): string {
  const text = new SourceText()
  const compiler = new WriterCompiler(text, at, functions)
  text.open(`function ${name}(w, v) {`)
  text.line('let { buffer, view, limit, position: p } = w, n = 0')
  emit(compiler)
  compiler.flush()
  text.line('w.position = p')
  text.close('}')
  return text.toString()
}

const FIXED_WRITES: Partial<Record<Field['type'], (value: string) => string>> = {
  bool: (value) => `buffer[p] = ${value} ? 1 : 0`,
  int8: (value) => `view.setInt8(p, ${value})`,
  int16: (value) => `view.setInt16(p, ${value})`,
  uint16: (value) => `view.setUint16(p, ${value})`,
  int32: (value) => `view.setInt32(p, ${value})`,
  uint32: (value) => `view.setUint32(p, ${value})`,
  int64: (value) => `writeInt64(view, p, ${value})`,
  float64: (value) => `view.setFloat64(p, ${value})`,
  uuid: (value) => `putUuid(buffer, p, ${value})`,
}

/** A length or count takes at most this in either form. */
const LENGTH_BYTES = 5

class WriterCompiler {
  readonly #text: SourceText
  readonly #at: Version
  readonly #functions: string[]
  /** Lines that wait for the space they need to be reserved, all at once. */
  #pending: string[] = []
  #bytes = 0
  #varyingBytes: string[] = []

  constructor(text: SourceText, at: Version, functions: string[]) {
    this.#text = text
    this.#at = at
    this.#functions = functions
  }

  struct(fields: Fields, owner: string): void {
    for (const [name, field] of untagged(fields, this.#at)) {
      this.#value(field, this.#load(name, field, owner))
    }
    if (this.#at.flexible) this.#tags(fields, owner)
  }

  /** Reserves what the pending lines need, and emits them. */
  flush(): void {
    const text = this.#text
    if (this.#bytes > 0 || this.#varyingBytes.length > 0) {
      text.line(`n = ${[this.#bytes, ...this.#varyingBytes].join(' + ')}`)
      text.open('if (limit - p < n) {')
      text.line('w.position = p')
      text.line('w.reserve(n)')
      this.#reload()
      text.close('}')
    }
    for (const line of this.#pending) text.line(line)
    this.#pending = []
    this.#bytes = 0
    this.#varyingBytes = []
  }

  #reload(): void {
    this.#text.line('buffer = w.buffer, view = w.view, limit = w.limit, p = w.position')
  }

  #later(bytes: number, ...lines: string[]): void {
    this.#bytes += bytes
    this.#pending.push(...lines)
  }

  /** A variable with the value to write: defaults are put in, and '' or [] where null cannot be. */
  #load(name: string, field: Field, owner: string): string {
    const variable = this.#text.variable(name)
    this.#text.line(`let ${variable} = ${owner}.${checkedName(name)}`)
    if (isOptional(field)) {
      this.#text.line(`if (${variable} === undefined) ${variable} = ${defaultLiteral(field)}`)
    }
    if (field.nullable && !isNullable(field, this.#at)) {
      this.#text.line(`if (${variable} === null) ${variable} = ${emptyLiteral(field)}`)
    }
    return variable
  }

  /** Writes `variable` in the untagged place. */
  #value(field: Field, variable: string): void {
    const fixed = FIXED_WRITES[field.type]
    if (fixed !== undefined) {
      const size = fixedSize(field)!
      this.#later(size, fixed(variable), `p += ${size}`)
    } else if (field.type === 'string') this.#string(field, variable)
    else if (field.type === 'array') this.#array(field, variable)
    else if (field.type === 'struct') this.#structField(field, variable, '255')
    else this.#bytesField(field, variable)
  }

  #putNull(): string {
    return this.#at.flexible ? 'buffer[p++] = 0' : 'view.setInt32(p, -1), p += 4'
  }

  #putLength(length: string): string {
    return this.#at.flexible
      ? `p = putUvarint(buffer, p, ${length} + 1)`
      : `view.setInt32(p, ${length}), p += 4`
  }

  #string(field: Field, variable: string): void {
    const put = this.#at.flexible ? 'putCompactString' : 'putString'
    const putNull = this.#at.flexible ? 'buffer[p++] = 0' : 'view.setInt16(p, -1), p += 2'
    const line = `p = ${put}(buffer, p, ${variable})`
    if (isNullable(field, this.#at)) {
      this.#varyingBytes.push(`(${variable} === null ? 0 : 3 * ${variable}.length)`)
      this.#later(LENGTH_BYTES, `if (${variable} === null) ${putNull}`, `else ${line}`)
    } else {
      this.#varyingBytes.push(`3 * ${variable}.length`)
      this.#later(LENGTH_BYTES, line)
    }
  }

  /** `bytes` are copied; `records` are referred to when that is cheaper. */
  #bytesField(field: Field, variable: string): void {
    const length = `${variable}.length`
    const copied = field.type === 'bytes' ? length : `(${length} < REFERENCE_BYTES ? ${length} : 0)`
    const copy = `buffer.set(${variable}, p), p += ${length}`
    const put =
      field.type === 'bytes'
        ? [copy]
        : [`if (${length} < REFERENCE_BYTES) ${copy}`, `else w.position = p, w.refer(${variable})`]
    const lines = [this.#putLength(length), ...put]
    if (!isNullable(field, this.#at)) {
      this.#varyingBytes.push(copied)
      this.#later(LENGTH_BYTES, ...lines)
      return
    }
    this.#varyingBytes.push(`(${variable} === null ? 0 : ${copied})`)
    this.#later(
      LENGTH_BYTES,
      `if (${variable} === null) ${this.#putNull()}`,
      'else {',
      ...lines.map((line) => `  ${line}`),
      '}',
    )
  }

  /** `nullMark` is the byte that says null: -1, but 0 in a tagged field. */
  #structField(field: Field, variable: string, nullMark: string): void {
    if (!isNullable(field, this.#at)) {
      this.struct(field.fields!, variable)
      return
    }
    this.#later(1)
    this.flush()
    this.#text.open(`if (${variable} === null) {`)
    this.#text.line(`buffer[p++] = ${nullMark}`)
    this.#text.reopen('} else {')
    this.#text.line('buffer[p++] = 1')
    this.struct(field.fields!, variable)
    this.flush()
    this.#text.close('}')
  }

  #array(field: Field, variable: string): void {
    const text = this.#text
    const element = field.element!
    const nullable = isNullable(field, this.#at)
    const size =
      element.type === 'struct' ? fixedStructSize(element.fields!, this.#at) : fixedSize(element)
    if (size !== undefined) {
      const elements = `${size} * ${variable}.length`
      this.#varyingBytes.push(nullable ? `(${variable} === null ? 0 : ${elements})` : elements)
    }
    this.#later(LENGTH_BYTES)
    this.flush()
    if (nullable) {
      text.line(`if (${variable} === null) ${this.#putNull()}`)
      text.open('else {')
    } else text.open('{')
    text.line(this.#putLength(`${variable}.length`))
    this.#elements(element, variable, size !== undefined)
    text.close('}')
  }

  #elements(element: Field, array: string, isReserved: boolean): void {
    const text = this.#text
    const index = text.variable('index')
    const item = text.variable('item')
    text.open(`for (let ${index} = 0; ${index} < ${array}.length; ${index}++) {`)
    text.line(`const ${item} = ${array}[${index}]`)
    if (element.type === 'struct') this.struct(element.fields!, item)
    else this.#value(element, item)
    if (isReserved) {
      this.#bytes = 0
      this.#varyingBytes = []
    }
    this.flush()
    text.close('}')
  }

  #tags(fields: Fields, owner: string): void {
    const text = this.#text
    this.#later(1)
    const known = tagged(fields, this.#at)
    if (known.length === 0) {
      this.#later(0, 'buffer[p++] = 0')
      return
    }
    this.flush()
    const count = text.variable('tags')
    text.line(`let ${count} = 0`)
    const loaded = known.map(([name, field]) => {
      const variable = text.variable(name)
      text.line(`const ${variable} = ${owner}.${checkedName(name)}`)
      const isSent = text.variable(`${name}IsSent`)
      text.line(`const ${isSent} = ${variable} !== undefined && ${this.#differs(field, variable)}`)
      text.line(`if (${isSent}) ${count}++`)
      return { field, variable, isSent }
    })
    text.line(`buffer[p++] = ${count}`)
    for (const { field, variable, isSent } of loaded) {
      text.open(`if (${isSent}) {`)
      this.#taggedField(field, variable)
      text.close('}')
    }
  }

  #taggedField(field: Field, variable: string): void {
    const tag = field.options.tag!
    const size =
      field.type === 'struct' && !field.nullable
        ? fixedStructSize(field.fields!, this.#at)
        : fixedSize(field)
    if (size !== undefined && size < 0x80 && tag < 0x80) {
      this.#later(2, `buffer[p++] = ${tag}`, `buffer[p++] = ${size}`)
      if (field.type === 'struct') this.struct(field.fields!, variable)
      else this.#value(field, variable)
      this.flush()
      return
    }
    const name = `tag${tag}_${this.#functions.length}`
    this.#functions.push(
      functionSource(name, this.#at, this.#functions, (compiler) => {
        if (field.type === 'struct') compiler.#structField(field, 'v', '0')
        else compiler.#value(field, 'v')
      }),
    )
    this.#text.line('w.position = p')
    this.#text.line(`w.tagged(${tag}, ${variable}, ${name})`)
    this.#reload()
  }

  /** Source of: `variable`, which is not undefined, is not what a reader assumes anyway. */
  #differs(field: Field, variable: string): string {
    if (defaultLiteral(field) === 'null') return `${variable} !== null`
    if (field.type === 'struct') {
      const terms = Object.entries(field.fields!)
        .filter(([, member]) => isPresent(member, this.#at))
        .map(([name, member]) => {
          const value = `${variable}.${checkedName(name)}`
          return `(${value} !== undefined && ${this.#differs(member, value)})`
        })
      if (field.nullable) terms.unshift(`${variable} === null`)
      return `(${terms.join(' || ')})`
    }
    if (field.type === 'array' || field.type === 'bytes' || field.type === 'records') {
      return field.nullable ? `${variable}?.length !== 0` : `${variable}.length !== 0`
    }
    return `${variable} !== ${defaultLiteral(field)}`
  }
}
