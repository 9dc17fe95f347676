import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type KafkaTool, kafkaTools } from '../kafka-tools.ts'
import { parseCommandFile, type Step } from './command-file.ts'
import { normalised, type Place } from './normalise.ts'
import { ToolRunner } from './tool-runner.ts'

/** A broker with a JVM for the tools that talk to it. */
export interface Side extends Place {
  readonly tools: ToolRunner
}

/** `data`: where its log.dirs are; `root`: where it may have a directory `name` for files. */
export function sideOf(name: string, bootstrap: string, data: string, root: string): Side {
  const work = join(root, `work-of-${name}`)
  mkdirSync(work, { recursive: true })
  return { bootstrap, data, work, tools: new ToolRunner() }
}

/** A file that gets what Apache Kafka printed, for whoever writes a command line. */
const transcript = process.env['DOHLE_PARITY_TRANSCRIPT']

/** Runs each command line of a file on both sides. Returns where they differ, empty if nowhere. */
export async function differencesIn(path: string, sides: readonly Side[]): Promise<string> {
  const differences: string[] = []
  for (const step of parseCommandFile(path)) {
    const startedAtMs = Date.now()
    const [expected, actual] = await outcomes(step, sides)
    if (step.kind !== 'command') continue
    const difference = compared(expected, actual)
    if (transcript) {
      const text = [`$ ${step.words.join(' ')}`, ...expected, difference]
      appendFileSync(transcript, `${text.join('\n')}\n(${Date.now() - startedAtMs} ms)\n`)
    }
    if (difference)
      differences.push(`${basename(path)}:${step.line}: ${step.words.join(' ')}\n${difference}`)
  }
  return differences.join('\n\n')
}

/** Words of command lines that only look. */
const LOOK =
  /^(?:--)?(?:describe|list|list-endpoints|describe-producers|verify)$|^kafka-(?:get-offsets|log-dirs)$/
/** What Kafka's controller has decided its broker shows a little later: that long at most. */
const SETTLED_MS = 20_000

/** What a step prints on each side; those that only look look again while the sides differ. */
async function outcomes(
  step: Step,
  sides: readonly Side[],
): Promise<readonly [string[], string[]]> {
  const looks = step.kind === 'command' && step.words.some((word) => LOOK.test(word))
  for (const deadline = Date.now() + (looks ? SETTLED_MS : 0); ; ) {
    const [one = [], other = []] = await Promise.all(sides.map((side) => outcome(step, side)))
    if (one.join('\n') === other.join('\n') || Date.now() >= deadline) return [one, other]
  }
}

async function outcome(step: Step, side: Side): Promise<string[]> {
  const placed = (text: string) =>
    text
      .replaceAll('localhost:9092', side.bootstrap)
      .replaceAll('$WORK', side.work)
      .replaceAll('$DATA', side.data)
  if (step.kind === 'file') {
    writeFileSync(join(side.work, step.name), placed(step.text))
    return []
  }
  const [tool = '', ...args] = step.words.map(placed)
  if (!kafkaTools.includes(tool as KafkaTool)) throw new Error(`no such tool: ${tool}`)
  const result = await side.tools.run(tool as KafkaTool, args, step.input)
  return normalised(result, step.rules, side)
}

/** Lines of one side only, `-` of Kafka and `+` of dohle; empty when the sides are equal. */
function compared(expected: readonly string[], actual: readonly string[]): string {
  if (expected.join('\n') === actual.join('\n')) return ''
  const missing = expected.filter((line) => !actual.includes(line)).map((line) => `  - ${line}`)
  const added = actual.filter((line) => !expected.includes(line)).map((line) => `  + ${line}`)
  const lines = [...missing, ...added]
  return lines.length > 0
    ? lines.join('\n')
    : `  another order:\n${expected.join('\n')}\n--\n${actual.join('\n')}`
}
