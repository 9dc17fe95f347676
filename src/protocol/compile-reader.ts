import {
  checkedName,
  defaultLiteral,
  fixedSize,
  isNullable,
  isPresent,
  isTagged,
  minSize,
  minStructSize,
  tagged,
  untagged,
  type Version,
  versionOf,
} from './field-plan.ts'
import type { Field, Fields, Message } from './schema.ts'
import { SourceText } from './source-text.ts'

/**
 * JavaScript that reads one version of a message: straight-line code with the position in a local
 * variable, one bounds check per run of fixed-size fields, and one object literal per struct, the
 * same in every version, so that all versions of a message share a shape. Takes the reader `r`,
 * moves it behind the message and returns the value.
 */
export function readerSource(message: Message, version: number): string {
  const text = new SourceText()
  const at = versionOf(message, version)
  const compiler = new ReaderCompiler(text, at)
  text.open(`return function read${checkedName(message.name)}V${version}(r) {`)
  text.line('const { buffer, view, end } = r')
  text.line('let p = r.position, n = 0')
  const result = compiler.struct(message.fields, `${message.name} v${version}`, ' ')
  text.line('r.position = p')
  text.line(`return ${result}`)
  text.close('}')
  return text.toString()
}

/** Expressions that read a fixed-size field at `at`, given as source. */
const FIXED_READS: Partial<Record<Field['type'], (at: string) => string>> = {
  bool: (at) => `buffer[${at}] !== 0`,
  int8: (at) => `view.getInt8(${at})`,
  int16: (at) => `view.getInt16(${at})`,
  uint16: (at) => `view.getUint16(${at})`,
  int32: (at) => `view.getInt32(${at})`,
  uint32: (at) => `view.getUint32(${at})`,
  int64: (at) => `readInt64(view, ${at})`,
  float64: (at) => `view.getFloat64(${at})`,
  uuid: (at) => `buffer.latin1Slice(${at}, ${at} + 16)`,
}

class ReaderCompiler {
  readonly #text: SourceText
  readonly #at: Version

  constructor(text: SourceText, at: Version) {
    this.#text = text
    this.#at = at
  }

  /**
   * Emits the reading of a struct's fields; returns its object literal. `path` and `separator`
   * name the fields in errors: "FetchRequest v12 topics.partitions".
   */
  struct(fields: Fields, path: string, separator = '.'): string {
    const at = this.#at
    const values = new Map<string, string>()
    const pathOf = (name: string) => `${path}${separator}${checkedName(name)}`
    let run: [name: string, field: Field][] = []
    for (const [name, field] of untagged(fields, at)) {
      if (fixedSize(field) !== undefined) {
        run.push([name, field])
        continue
      }
      this.#fixedRun(run, values, pathOf)
      run = []
      values.set(name, this.#value(name, field, pathOf(name)))
    }
    this.#fixedRun(run, values, pathOf)
    if (at.flexible) this.#tags(fields, values, path, pathOf)
    const members = Object.entries(fields).map(
      ([name, field]) => `${checkedName(name)}: ${values.get(name) ?? defaultLiteral(field)}`,
    )
    return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
  }

  #fixedRun(
    run: readonly [name: string, field: Field][],
    values: Map<string, string>,
    pathOf: (name: string) => string,
  ): void {
    if (run.length === 0) return
    const size = run.reduce((sum, [, field]) => sum + fixedSize(field)!, 0)
    const firstPath = JSON.stringify(pathOf(run[0]![0]))
    this.#text.line(`if (end - p < ${size}) throw r.short(${firstPath}, ${size}, p)`)
    let offset = 0
    for (const [name, field] of run) {
      const variable = this.#text.variable(name)
      const position = offset === 0 ? 'p' : `p + ${offset}`
      this.#text.line(`const ${variable} = ${FIXED_READS[field.type]!(position)}`)
      values.set(name, variable)
      offset += fixedSize(field)!
    }
    this.#text.line(`p += ${size}`)
  }

  /** Emits the reading of a field of varying size; returns the variable that holds the value. */
  #value(name: string, field: Field, path: string): string {
    const variable = this.#text.variable(name)
    this.#text.line(`let ${variable}`)
    this.#assign(variable, field, path)
    return variable
  }

  #assign(variable: string, field: Field, path: string): void {
    const fixed = FIXED_READS[field.type]
    if (field.type === 'array') this.#array(variable, field, path)
    else if (field.type === 'struct') this.#structField(variable, field, path)
    else if (fixed === undefined) this.#call(variable, field, path)
    else {
      const size = fixedSize(field)!
      this.#text.line(`if (end - p < ${size}) throw r.short(${JSON.stringify(path)}, ${size}, p)`)
      this.#text.line(`${variable} = ${fixed('p')}`)
      this.#text.line(`p += ${size}`)
    }
  }

  /** Strings, bytes and records are the reader's own methods. */
  #call(variable: string, field: Field, path: string): void {
    const compact = this.#at.flexible ? 'Compact' : ''
    const type = field.type[0]!.toUpperCase() + field.type.slice(1)
    const words = isNullable(field, this.#at) ? `nullable${compact}${type}` : `${compact}${type}`
    const method = words[0]!.toLowerCase() + words.slice(1)
    this.#text.line('r.position = p')
    this.#text.line(`${variable} = r.${method}(${JSON.stringify(path)})`)
    this.#text.line('p = r.position')
  }

  #structField(variable: string, field: Field, path: string): void {
    const text = this.#text
    if (!isNullable(field, this.#at)) {
      text.line(`${variable} = ${this.struct(field.fields!, path)}`)
      return
    }
    text.line(`if (p >= end) throw r.short(${JSON.stringify(path)}, 1, p)`)
    text.open('if (view.getInt8(p++) < 0) {')
    text.line(`${variable} = null`)
    text.reopen('} else {')
    text.line(`${variable} = ${this.struct(field.fields!, path)}`)
    text.close('}')
  }

  #array(variable: string, field: Field, path: string): void {
    const text = this.#text
    const element = field.element!
    const smallest = Math.max(
      1,
      element.type === 'struct'
        ? minStructSize(element.fields!, this.#at)
        : minSize(element, this.#at),
    )
    const quotedPath = JSON.stringify(path)
    text.line('r.position = p')
    text.line(`n = r.${this.#at.flexible ? 'compactCount' : 'count'}(${smallest}, ${quotedPath})`)
    text.line('p = r.position')
    const whenNull = isNullable(field, this.#at)
      ? `${variable} = null`
      : `throw r.invalid(${quotedPath}, 'is null, ending')`
    text.open(`if (n < 0) {`)
    text.line(whenNull)
    text.reopen('} else {')
    text.line(`${variable} = []`)
    this.#elements(variable, element, path)
    text.close('}')
  }

  #elements(array: string, element: Field, path: string): void {
    const text = this.#text
    const count = text.variable('count')
    text.open(`for (let ${count} = n; ${count} > 0; ${count}--) {`)
    const fixed = FIXED_READS[element.type]
    if (element.type === 'struct') {
      text.line(`${array}.push(${this.struct(element.fields!, path)})`)
    } else if (fixed !== undefined) {
      // The count was checked against the bytes left, so there is nothing to check here.
      text.line(`${array}.push(${fixed('p')})`)
      text.line(`p += ${fixedSize(element)!}`)
    } else {
      text.line(`${array}.push(${this.#value('element', element, path)})`)
    }
    text.close('}')
  }

  #tags(
    fields: Fields,
    values: Map<string, string>,
    path: string,
    pathOf: (name: string) => string,
  ): void {
    const text = this.#text
    const known = tagged(fields, this.#at)
    for (const [name, field] of known) {
      const variable = text.variable(name)
      values.set(name, variable)
      text.line(`let ${variable}`)
      if (field.type !== 'struct') text.line(`${variable} = ${defaultLiteral(field)}`)
    }
    const quotedPath = JSON.stringify(`${path} tags`)
    text.open('if (p < end && buffer[p] === 0) {')
    text.line('p++')
    text.reopen('} else {')
    text.line('r.position = p')
    const foreign = this.#tagsOfOtherVersions(fields)
    if (known.length === 0 && foreign.length === 0) text.line(`r.skipTags(${quotedPath})`)
    else this.#tagLoop(known, foreign, values, quotedPath, pathOf)
    text.line('p = r.position')
    text.close('}')
    for (const [name, field] of known) {
      if (field.type !== 'struct') continue
      text.line(
        `if (${values.get(name)} === undefined) ${values.get(name)} = ${defaultLiteral(field)}`,
      )
    }
  }

  /** Kafka closes the connection on a tag that it knows, but not in this version. */
  #tagsOfOtherVersions(fields: Fields): number[] {
    return Object.values(fields)
      .filter((field) => field.options.tag !== undefined)
      .filter((field) => !(isPresent(field, this.#at) && isTagged(field, this.#at)))
      .map((field) => field.options.tag!)
  }

  /** The size of a known field is not compared with what it takes: neither does Kafka. */
  #tagLoop(
    known: readonly [name: string, field: Field][],
    foreign: readonly number[],
    values: ReadonlyMap<string, string>,
    quotedPath: string,
    pathOf: (name: string) => string,
  ): void {
    const text = this.#text
    const count = text.variable('tags')
    const tag = text.variable('tag')
    const size = text.variable('size')
    text.open(`for (let ${count} = r.uvarint(${quotedPath}); ${count} > 0; ${count}--) {`)
    text.line(`const ${tag} = r.uvarint(${quotedPath}), ${size} = r.uvarint(${quotedPath})`)
    text.open(`switch (${tag}) {`)
    for (const [name, field] of known) {
      text.open(`case ${field.options.tag!}: {`)
      text.line('p = r.position')
      this.#taggedValue(values.get(name)!, field, pathOf(name))
      text.line('r.position = p')
      text.line('break')
      text.close('}')
    }
    for (const foreignTag of foreign) text.line(`case ${foreignTag}:`)
    if (foreign.length > 0) {
      text.line(`  throw r.invalid(${quotedPath}, 'have one that this version lacks, ending')`)
    }
    text.line(`default: r.take(${size}, ${quotedPath})`)
    text.close('}')
    text.close('}')
  }

  #taggedValue(variable: string, field: Field, path: string): void {
    const text = this.#text
    if (field.type !== 'struct' || !isNullable(field, this.#at)) {
      this.#assign(variable, field, path)
      return
    }
    // In the tagged place null is 0 and presence 1.
    text.line(`if (p >= end) throw r.short(${JSON.stringify(path)}, 1, p)`)
    text.open('if (buffer[p++] === 0) {')
    text.line(`${variable} = null`)
    text.reopen('} else {')
    text.line(`${variable} = ${this.struct(field.fields!, path)}`)
    text.close('}')
  }
}
