import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { run, runWell } from './process.ts'
import { tools } from './tools.mjs'

vi.setConfig({ testTimeout: 400_000, hookTimeout: 400_000 })

const root = resolve(import.meta.dirname, '../..')
const versions = ['20', '22', '24', '26']
let directory: string
let tarball: string
let files: string[]

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'dohle-package-'))
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory, root]
  const [packed] = JSON.parse((await runWell({ command: 'npm', args })).join('\n'))
  tarball = join(directory, packed.filename)
  files = packed.files.map(({ path }: { path: string }) => path)
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** A project that has nothing but the package, installed with scripts off by that Node's npm. */
async function install(version: string, ...options: string[]): Promise<Project> {
  const project = new Project(mkdtempSync(join(directory, 'project-')), version)
  await project.write('package.json', '{ "name": "app", "private": true, "type": "module" }')
  const { exitCode, output } = await project.run('npm', [
    ...['install', '--ignore-scripts', '--no-fund', '--no-audit', '--fetch-retries=5'],
    ...[...options, tarball],
  ])
  expect(exitCode, output).toBe(0)
  return project
}

class Project {
  readonly directory: string
  readonly #path: string

  constructor(directory: string, version: string) {
    this.directory = directory
    const bin = join(tools.packageModules, `node${version}`, 'bin')
    this.#path = [bin, join(directory, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  }

  get installed(): string {
    return join(this.directory, 'node_modules/dohle')
  }

  async write(name: string, text: string): Promise<void> {
    await writeFile(join(this.directory, name), text)
  }

  async run(command: string, args: readonly string[], env: Record<string, string> = {}) {
    const script = `cd '${this.directory}' && exec "$@"`
    const { exitCode, stdout, stderr } = await run(
      { command: 'sh', args: ['-c', script, 'sh', command, ...args] },
      '',
      { VITEST: '', NO_COLOR: '1', FORCE_COLOR: '0', PATH: this.#path, ...env },
    )
    return { exitCode, stdout, output: `${stdout}\n${stderr}` }
  }

  /** The tests of test/embed, where `dohle` is the installed package. */
  async copyEmbeddingTests(): Promise<void> {
    const folders = ['test/embed', 'test/server', 'examples', 'src']
    for (const folder of folders) {
      cpSync(join(root, folder), join(this.directory, folder), { recursive: true })
    }
    // The rest of src is what tests build raw requests with.
    await this.write('src/index.ts', "export * from 'dohle'\n")
    const patience = '{ testTimeout: 60_000, expect: { poll: { timeout: 30_000 } } }'
    await this.write('vitest.config.mjs', `export default { test: ${patience} }\n`)
    for (const name of ['vitest', 'kafkajs', 'tsx']) {
      symlinkSync(join(root, 'node_modules', name), join(this.directory, 'node_modules', name))
    }
  }
}

describe('the package made by npm pack', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

  it('holds every file that its manifest names, and no sources, tests or maps', () => {
    const { main, types, bin, exports, typesVersions } = manifest
    const named = JSON.stringify([main, types, bin, exports, typesVersions]).match(/"[^"]+\.\w+"/g)
    expect(named?.length).toBeGreaterThan(12)
    for (const quoted of named ?? []) {
      const path = quoted.slice(1, -1).replace(/^\.\//, '')
      expect(files, path).toContain(path)
    }
    const strange = files.filter(
      (path) =>
        !/^(bin|dist)\/[\w./-]+\.(js|d\.ts|json|txt)$/.test(path) &&
        !['README.md', 'LICENSE', 'CHANGELOG.md', 'package.json'].includes(path),
    )
    expect(strange).toEqual([])
  })

  it('is small, and asks for nothing to be run when it is installed', () => {
    expect(readFileSync(tarball).byteLength).toBeLessThan(1_600_000)
    const asked = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish']
    expect(Object.keys(manifest.scripts).filter((name) => asked.includes(name))).toEqual([])
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
    const scripted = Object.entries<{ dev?: boolean; hasInstallScript?: boolean }>(lock.packages)
      .filter(([, { dev, hasInstallScript }]) => !dev && hasInstallScript)
      .map(([path]) => path)
    expect(scripted).toEqual([])
  })

  it('names no path of the machine that made it', () => {
    for (const path of files.filter((name) => name.endsWith('.js'))) {
      expect(readFileSync(join(root, path), 'utf8').includes(root), path).toBe(false)
    }
  })

  it('carries the licence of each package that it contains', () => {
    const licences = readFileSync(join(root, 'dist/LICENSES.txt'), 'utf8')
    const bundled = new Set<string>()
    for (const path of files.filter((name) => name.endsWith('.js'))) {
      const text = readFileSync(join(root, path), 'utf8')
      for (const [, name] of text.matchAll(/^\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)/gm)) {
        bundled.add(name!)
      }
    }
    expect([...bundled]).toContain('re2js')
    for (const name of bundled) expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'))
  })
})

describe.each(versions)('on Node %s', (version) => {
  let project: Project
  beforeAll(async () => {
    project = await install(version)
  })

  it('is imported as a module and required as CommonJS, and its command runs', async () => {
    const use = (name: string) => `
      const kafka = await startBroker({ topics: ['orders'] })
      await kafka.createTopics([{ name: '${name}', configs: { 'compression.type': 'zstd' } }])
      await kafka.produce('${name}', [{ value: { id: 1 } }])
      console.log(process.version, JSON.stringify((await kafka.records('${name}'))[0].value))
      await kafka.stop()
    `
    await project.write('a.mjs', `import { startBroker } from 'dohle'\n${use('module')}`)
    const required = `const { startBroker } = require('dohle');\n(async () => {${use('cjs')}})()`
    await project.write('a.cjs', required)
    for (const file of ['a.mjs', 'a.cjs']) {
      const { output } = await project.run('node', [file])
      expect(output).toMatch(new RegExp(`^v${version}\\.[\\d.]+ {"id":1}\n\n$`))
    }
    for (const entry of ['dohle/jest', 'dohle/protocol']) {
      const load = `import('${entry}').then((it) => console.log(typeof it))`
      expect((await project.run('node', ['-e', load])).stdout).toBe('object\n')
    }
    const own = JSON.parse(readFileSync(join(project.installed, 'package.json'), 'utf8'))
    expect((await project.run('dohle', ['--version'])).stdout).toBe(`${own.version}\n`)
  })

  // What is tried on 26 is that it starts.
  if (version === '26') return
  it('passes the embedding tests', { timeout: 600_000 }, async () => {
    await project.copyEmbeddingTests()
    const { exitCode, output } = await project.run(
      'node',
      ['node_modules/vitest/vitest.mjs', 'run', '--root', project.directory, 'test/embed'],
      { DOHLE_TEST_PACKAGE: project.installed },
    )
    expect(exitCode, output).toBe(0)
    expect(output).toMatch(/Tests\s+\d{2,} passed \(\d+\)/)
  })
})

it('works without its native speed-ups', async () => {
  const project = await install('22', '--omit=optional')
  await project.write(
    'a.mjs',
    `import { startBroker } from 'dohle'
     const kafka = await startBroker({ topics: ['orders'] })
     await kafka.produce('orders', [{ value: 'one' }])
     console.log((await kafka.records('orders'))[0].value)
     await kafka.stop()`,
  )
  expect((await project.run('node', ['a.mjs'])).output).toBe('one\n\n')
})

describe('its types', () => {
  const program = (imports: string) => `${imports}
    export async function use(): Promise<number> {
      const clock = new VirtualClock()
      const kafka: RunningBroker = await startBroker({ topics: ['orders:3'], clock })
      const spec: FaultSpec = { api: 'Produce', error: 'NOT_LEADER_OR_FOLLOWER', times: 2 }
      kafka.faults.add(spec)
      const topic = isolatedNames().topic('orders')
      await kafka.produce(topic, [{ key: 'u1', value: { id: 1 } }])
      // @ts-expect-error there is no such option
      await startBroker({ topic: 'orders' })
      // @ts-expect-error nor such an API
      kafka.faults.add({ api: 'Prodoce', hang: true })
      const [record] = await kafka.waitForRecords(topic, 1, { timeoutMs: 1000 })
      return record?.offset ?? -1
    }
  `
  const imports = `
    import { type FaultSpec, type RunningBroker, startBroker, VirtualClock } from 'dohle'
    import { isolatedNames } from 'dohle/jest'
  `
  let project: Project
  beforeAll(async () => {
    project = await install('22')
    mkdirSync(join(project.directory, 'node_modules/@types'))
    for (const name of ['@types/node', 'undici-types']) {
      symlinkSync(join(tools.packageModules, name), join(project.directory, 'node_modules', name))
    }
    await project.write('use.mts', program(imports))
    await project.write('use.cts', program(imports))
    await project.write('use.ts', program(imports))
    const protocol =
      "import { encodeRequest } from 'dohle/protocol'\nencodeRequest satisfies object"
    await project.write('protocol.mts', protocol)
  })

  it.each([
    ['node16', 'node16', ['use.mts', 'use.cts', 'protocol.mts']],
    ['nodenext', 'nodenext', ['use.mts', 'use.cts', 'protocol.mts']],
    ['esnext', 'bundler', ['use.ts', 'protocol.mts']],
    ['commonjs', 'node10', ['use.ts', 'protocol.mts']],
  ])('resolve and hold with module %s and moduleResolution %s', async (module, resolution, of) => {
    const compiler = join(tools.packageModules, 'typescript/bin/tsc')
    // Declarations are checked too: no skipLibCheck.
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--types', 'node']
    const how = ['--module', module, '--moduleResolution', resolution]
    const { output } = await project.run('node', [compiler, ...options, ...how, ...of])
    expect(output.trim()).toBe('')
  })
})
