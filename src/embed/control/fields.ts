import { ConfigError } from '../../settings/parse-value.ts'

/** Reads the fields of what came over HTTP. Throws `ConfigError` that names what is wrong. */
export class Fields {
  readonly #fields: ReadonlyMap<string, unknown>
  readonly #what: string

  constructor(value: unknown, what: string, names: readonly string[]) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new ConfigError(`${what} should be an object`)
    }
    this.#what = what
    this.#fields = new Map(Object.entries(value))
    for (const name of this.#fields.keys()) {
      if (!names.includes(name)) {
        throw new ConfigError(`${what} has no '${name}'; it has ${names.join(', ')}`)
      }
    }
  }

  /** Texts that are numbers count as both. */
  static ofQuery(query: URLSearchParams, what: string, names: readonly string[]): Fields {
    return new Fields(Object.fromEntries(query), what, names)
  }

  /** The body itself, or its field `name`. */
  static list(body: unknown, name: string): readonly unknown[] {
    const list = Array.isArray(body) ? body : new Fields(body, 'the body', [name]).get(name)
    if (!Array.isArray(list)) throw new ConfigError(`the body should be a list of ${name}`)
    return list
  }

  get(name: string): unknown {
    return this.#fields.get(name)
  }

  text(name: string): string | undefined {
    const value = this.#fields.get(name)
    if (value === undefined || typeof value === 'string') return value
    throw new ConfigError(`${name}: ${JSON.stringify(value)} should be a string`)
  }

  requiredText(name: string): string {
    const text = this.text(name)
    if (text === undefined) throw new ConfigError(`${this.#what} needs '${name}'`)
    return text
  }

  /** Undefined also for a text that is no number and stands for something else. */
  number(name: string): number | undefined {
    const value = this.#fields.get(name)
    if (value === undefined) return undefined
    const number = typeof value === 'string' && value !== '' ? Number(value) : value
    if (typeof number === 'number' && Number.isFinite(number)) return number
    throw new ConfigError(`${name}: ${JSON.stringify(value)} should be a number`)
  }

  /** An object of texts, numbers and booleans, as texts. */
  texts(name: string): Record<string, string> | undefined {
    const value = this.#fields.get(name)
    if (value === undefined) return undefined
    if (typeof value !== 'object' || value === null) {
      throw new ConfigError(`${name}: should be an object`)
    }
    return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]))
  }
}
