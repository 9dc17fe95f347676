import { readFileSync } from 'node:fs'

/** How two outputs are made comparable; README.md beside this file says what each does. */
export interface Rule {
  readonly name: string
  readonly text: string
}

/** A command line to be run on both sides, or a file that later ones read. */
export type Step =
  | { readonly kind: 'file'; readonly name: string; text: string }
  | {
      readonly kind: 'command'
      readonly line: number
      readonly words: readonly string[]
      readonly rules: Rule[]
      input: string
    }

export function parseCommandFile(path: string): Step[] {
  const steps: Step[] = []
  for (const [index, text] of readFileSync(path, 'utf8').split('\n').entries()) {
    const [mark, rest] = [text.slice(0, 1), text.slice(2)]
    const last = steps.at(-1)
    if (mark === '' || mark === '#') continue
    if (mark === '$') {
      steps.push({
        kind: 'command',
        line: index + 1,
        words: shellWords(rest),
        rules: [],
        input: '',
      })
    } else if (text.startsWith('@ file ')) {
      steps.push({ kind: 'file', name: text.slice('@ file '.length), text: '' })
    } else if (mark === '+' && last?.kind === 'file') {
      last.text += `${rest}\n`
    } else if (mark === '<' && last?.kind === 'command') {
      last.input += `${rest}\n`
    } else if (mark === '%' && last?.kind === 'command') {
      const [name = '', ...words] = rest.split(' ')
      last.rules.push({ name, text: words.join(' ') })
    } else {
      throw new Error(`${path}:${index + 1}: not understood: ${text}`)
    }
  }
  return steps
}

/** Words as a shell takes them, with single quotes around those that have blanks. */
function shellWords(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}
