// The closing line of .ci/run: tests passed and failed over all runs. Its argument is the number of
// steps that failed; one that failed without a failed test (lint, types, a client that cannot be
// had, a crash of the runner) counts as one.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './inputs.mjs'

const failedSteps = Number(process.argv[2])
const runs = ['unit', 'compat'].map(resultsOf)
const passed = runs.reduce((sum, run) => sum + run.numPassedTests, 0)
const failedTests = runs.reduce((sum, run) => sum + run.numFailedTests, 0)
const runsWithFailures = runs.filter((run) => run.numFailedTests > 0).length
const failed = failedTests + Math.max(0, failedSteps - runsWithFailures)
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)

function resultsOf(name) {
  try {
    return JSON.parse(readFileSync(join(root, '.cache', `${name}.json`), 'utf8'))
  } catch {
    return { numPassedTests: 0, numFailedTests: 0 }
  }
}
