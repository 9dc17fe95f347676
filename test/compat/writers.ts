import { resolve } from 'node:path'
import { expect } from 'vitest'
import { javaProgram } from './kafka-tools.ts'
import { Program, runWell } from './process.ts'
import { tools } from './tools.mjs'

/** Writers by partition: each sends 0, 1, 2, ... and prints `number offset` when acknowledged. */
export function startWriters(bootstrap: string, topic: string): Program[] {
  const java = javaProgram('IdempotentWriter', [bootstrap, topic, '0'])
  const python = resolve(import.meta.dirname, 'python/idempotent_writer.py')
  return [
    new Program(java.command, java.args),
    new Program(tools.python, ['-u', python, bootstrap, topic, '1']),
    new Program(tools.go, ['write', bootstrap, topic, '2']),
  ]
}

async function readBack(bootstrap: string, topic: string, partition: number): Promise<string[]> {
  const from = ['-C', '-q', '-e', '-o', 'beginning', '-t', topic, '-p', `${partition}`]
  const args = ['-b', bootstrap, ...from, '-f', '%s %o\\n']
  return await runWell({ command: tools.kcat, args })
}

/** Of `number offset` and the end of the line: as long as none is longer than this. */
const ACK_BYTES = 16

/** Resolves when each has had `count` more acknowledged, or some more: it works. */
export async function writtenSince(writers: readonly Program[], count: number): Promise<void> {
  // Sizes, since to part what was printed into lines again and again would take most of the time.
  const sizes = writers.map(({ stdout }) => stdout.length)
  await Promise.all(
    writers.map((writer, i) =>
      writer.printed(({ stdout }) => stdout.length >= sizes[i]! + count * ACK_BYTES, 120_000),
    ),
  )
}

/** Ends the writers. What they wrote is there: number n at offset n, each once, in the order sent. */
export async function expectWritten(
  writers: readonly Program[],
  bootstrap: string,
  topic: string,
): Promise<void> {
  for (const writer of writers) {
    writer.endInput()
    expect(await writer.exited(), writer.stderr).toBe(0)
  }
  for (const [partition, writer] of writers.entries()) {
    const log = await readBack(bootstrap, topic, partition)
    const written = Array.from(log, (_, i) => `${i} ${i}`)
    expect(log.length).toBe(writer.lines.length)
    expect(firstDifference(log, written)).toBeUndefined()
    expect(firstDifference(sortedByNumber(writer.lines), written)).toBeUndefined()
  }
}

function sortedByNumber(lines: readonly string[]): string[] {
  return [...lines].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
}

/** A short message where two long lists differ. */
function firstDifference(got: readonly string[], wanted: readonly string[]): string | undefined {
  const i = wanted.findIndex((line, at) => got[at] !== line)
  return i < 0 ? undefined : `at ${i}: ${got.slice(i, i + 3)} instead of ${wanted.slice(i, i + 3)}`
}
