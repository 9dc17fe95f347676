/** Generated source: indented lines, and variable names that are used once. */
export class SourceText {
  readonly #lines: string[] = []
  #indent = 0
  readonly #taken = new Map<string, number>()

  line(text: string): void {
    this.#lines.push('  '.repeat(this.#indent) + text)
  }

  /** A line after which the text is indented. */
  open(text: string): void {
    this.line(text)
    this.#indent++
  }

  close(text: string): void {
    this.#indent--
    this.line(text)
  }

  /** `} else {` */
  reopen(text: string): void {
    this.close(text)
    this.#indent++
  }

  /** A fresh name that begins with `name` and shadows nothing in the generated function. */
  variable(name: string): string {
    const uses = (this.#taken.get(name) ?? 0) + 1
    this.#taken.set(name, uses)
    return `${name}_${uses}`
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`
  }
}
