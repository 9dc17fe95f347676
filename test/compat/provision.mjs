// Brings the foreign clients that test/compat runs: each by the ordinary client of its registry, at
// a pinned version, once. Nothing is left out silently: what cannot be had ends this with a reason.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { home, KAFKA_VERSION, OLD_KAFKA_VERSION, tools } from './tools.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))

/** Debian packages of what runs or builds the clients. */
const system = [
  { command: 'java', package: 'openjdk-17-jdk-headless' },
  { command: 'mvn', package: 'maven' },
  { command: 'kcat', package: 'kcat' },
  { command: 'python3', package: 'python3-venv' },
  { command: 'go', package: 'golang-go' },
  { command: 'gcc', package: 'gcc' },
]

function provisionSystem() {
  const missing = system.filter(({ command }) => !isOnPath(command))
  if (missing.length === 0) return
  const packages = missing.map((one) => one.package)
  if (!isOnPath('apt-get') || process.getuid?.() !== 0) {
    fail(
      `${missing.map((one) => one.command).join(', ')} not found, and no rights to install ` +
        `Debian packages. Install ${packages.join(' ')} or their like.`,
    )
  }
  console.log(`installing ${packages.join(' ')} ...`)
  run('apt-get', ['update', '-qq'])
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
}

/** What is on the path may be too old for the clients; better said here than by them. */
function checkVersions() {
  const java = /version "(\d+)/.exec(printedBy('java', ['-version']))?.[1]
  if (!(Number(java) >= 17)) fail(`Java ${java} is on the path, 17 or later is needed`)
  const go = /go1\.(\d+)/.exec(printedBy('go', ['version']))?.[1]
  // From 1.21 on Go brings the version that a module asks for.
  if (!(Number(go) >= 21)) fail(`Go 1.${go} is on the path, 1.21 or later is needed`)
}

function printedBy(command, args) {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return `${stdout}${stderr}`
}

function provisionKafka(version) {
  once(`kafka-${version}`, ['java/pom.xml'], (directory) => {
    cpSync(join(here, 'java/pom.xml'), join(directory, 'pom.xml'))
    run(
      'mvn',
      [
        '-q',
        '-B',
        `-Dkafka.version=${version}`,
        'dependency:copy-dependencies',
        '-DoutputDirectory=libs',
      ],
      { cwd: directory },
    )
    mkdirSync(tools.classArchives(version))
  })
}

/** A part of Kafka that its tools do not need, with what it needs. */
function provisionPart(part) {
  once(`kafka-${part}`, [`java/${part}/pom.xml`], (directory) => {
    cpSync(join(here, `java/${part}/pom.xml`), join(directory, 'pom.xml'))
    const copy = ['dependency:copy-dependencies', '-DoutputDirectory=libs']
    run('mvn', ['-q', '-B', `-Dkafka.version=${KAFKA_VERSION}`, ...copy], { cwd: directory })
  })
}

function provisionPython() {
  once('python', ['python/requirements.txt'], (directory) => {
    run('python3', ['-m', 'venv', directory])
    run(join(directory, 'bin/pip'), [
      'install',
      '-q',
      '--disable-pip-version-check',
      '--only-binary=:all:',
      '-r',
      join(here, 'python/requirements.txt'),
    ])
  })
}

function provisionGo() {
  once('go', ['go', '../../bench/load'], (directory) => {
    const build = (name, source) =>
      run('go', ['build', '-o', join(directory, name), '.'], { cwd: join(here, source) })
    build('compat', 'go')
    build('load', '../../bench/load')
  })
}

function provisionNpm(name, source) {
  once(name, [source], (directory) => {
    cpSync(join(here, source), directory, { recursive: true })
    run('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'], {
      cwd: directory,
    })
  })
}

/** What the examples in other languages need, by their own lists. */
function provisionExamples() {
  once('example-pytest', ['../../examples/pytest/requirements.txt'], (directory) => {
    const requirements = join(here, '../../examples/pytest/requirements.txt')
    run('python3', ['-m', 'venv', directory])
    run(join(directory, 'bin/python'), ['-m', 'pip', 'install', '-q', '-r', requirements])
  })
  once('example-junit', ['../../examples/junit/pom.xml'], (directory) => {
    cpSync(join(here, '../../examples/junit'), directory, { recursive: true })
    // Runs no test, but brings what runs them.
    const none = ['-Dtest=None', '-Dsurefire.failIfNoSpecifiedTests=false']
    run('mvn', ['-q', '-B', ...none, 'test'], { cwd: directory })
  })
  once('example-go', ['../../examples/go/go.sum'], () => {
    run('go', ['mod', 'download'], { cwd: join(here, '../../examples/go') })
  })
  provisionNpm('example-nestjs', 'nestjs')
}

/** Does `work` in an empty directory of that name unless it was done with the same inputs. */
function once(name, inputs, work) {
  const directory = join(home, name)
  const stamp = join(home, `${name}.stamp`)
  const hash = createHash('sha256')
  for (const file of inputs.flatMap((input) => filesUnder(join(here, input)))) {
    hash.update(readFileSync(file))
  }
  const now = hash.digest('hex')
  if (readIfThere(stamp) === now) return
  console.log(`bringing ${name} ...`)
  rmSync(stamp, { force: true })
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  work(directory)
  writeFileSync(stamp, now)
}

function filesUnder(path) {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path)
    .sort()
    .filter((name) => name !== 'node_modules')
    .flatMap((name) => filesUnder(join(path, name)))
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function isOnPath(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2], ...options })
  if (error) fail(`${command} does not run: ${error.message}`)
  if (status !== 0) fail(`\`${command} ${args.join(' ')}\` failed with exit code ${status}`)
}

function fail(reason) {
  console.error(`error: the foreign clients are not complete: ${reason}`)
  process.exit(1)
}

provisionSystem()
checkVersions()
provisionKafka(KAFKA_VERSION)
provisionKafka(OLD_KAFKA_VERSION)
provisionPart('streams')
provisionPart('shell')
provisionPython()
provisionGo()
provisionNpm('node', 'node')
// Versions of Node and TypeScript for package.test.ts.
provisionNpm('package', 'package')
provisionExamples()
