// npm run build: dist/cli.js (the command, one file), dist/index.js and dist/protocol.js (the
// library), dist/types (declarations). Does nothing when nothing changed.
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keepReachable } from './declarations.mjs'
import { root, whenChanged } from './inputs.mjs'
import { install } from './install.mjs'
import { writeLicences } from './licences.mjs'

const inputs = ['src', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.json']

const library = {
  index: 'src/index.ts',
  protocol: 'src/protocol/index.ts',
  vitest: 'src/runners/vitest.ts',
  jest: 'src/runners/jest.ts',
}

/** Jest, and much that is written for it, loads CommonJS alone. */
const commonJs = { index: 'src/index.ts', jest: 'src/runners/jest.ts' }

// Packages written as CommonJS (pino) call require for Node's own modules; ESM has none.
const banner = {
  js: "import { createRequire as __createRequire } from 'node:module'\nconst require = __createRequire(import.meta.url)",
}

function options() {
  const { version, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
  return {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    legalComments: 'none',
    // Native speed-ups have a pure path behind them and are looked for when the process runs.
    external: [...Object.keys(optionalDependencies), 'vitest'],
    define: { DOHLE_VERSION: JSON.stringify(version) },
    banner,
    logLevel: 'warning',
  }
}

export function buildCommand() {
  return whenChanged({ stamp: 'dist/.cli', inputs, results: ['dist/cli.js'] }, async () => {
    const { build } = await import('esbuild')
    const { metafile } = await build({
      ...options(),
      entryPoints: { cli: 'src/cli/main.ts' },
      outdir: 'dist',
      metafile: true,
      alias: { 'string-width': './scripts/string-width.mjs' },
      // Readable names in stack traces; comments and blanks would only be read at every start.
      minifyWhitespace: true,
      minifySyntax: true,
    })
    // The library has code of the same packages.
    writeLicences(metafile, 'dist/LICENSES.txt')
  })
}

export function buildLibrary() {
  const results = [
    ...Object.keys(library).map((name) => `dist/${name}.js`),
    ...Object.keys(commonJs).map((name) => `dist/cjs/${name}.js`),
    'dist/types/index.d.ts',
    'dist/cjs/types/index.d.ts',
  ]
  return whenChanged({ stamp: 'dist/.library', inputs, results }, async () => {
    const { build } = await import('esbuild')
    rmSync(join(root, 'dist/types'), { recursive: true, force: true })
    rmSync(join(root, 'dist/chunks'), { recursive: true, force: true })
    rmSync(join(root, 'dist/cjs'), { recursive: true, force: true })
    await build({
      ...options(),
      entryPoints: library,
      outdir: 'dist',
      // What both entries use exists once, so that an error class is the same class in both.
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
    })
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const { status } = spawnSync(process.execPath, [tsc, '-p', 'scripts/tsconfig.types.json'], {
      cwd: root,
      stdio: 'inherit',
    })
    if (status !== 0) throw new Error('tsc could not write the declarations')
    const entries = Object.values(library).map((path) => path.replace(/^src\/(.*)\.ts$/, '$1.d.ts'))
    keepReachable(join(root, 'dist/types'), entries)
    await buildCommonJs(build)
  })
}

/** Runners use the library that their users do: there is one of it, and one of each error class. */
const shareIndex = {
  name: 'share index',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/index\.ts$/ }, ({ importer }) =>
      importer.includes('runners') ? { path: './index.js', external: true } : undefined,
    )
  },
}

async function buildCommonJs(build) {
  await build({
    ...options(),
    format: 'cjs',
    entryPoints: commonJs,
    outdir: 'dist/cjs',
    define: { ...options().define, 'import.meta.url': '__fileUrl' },
    banner: { js: "const __fileUrl = require('node:url').pathToFileURL(__filename).href" },
    plugins: [shareIndex],
  })
  writeFileSync(join(root, 'dist/cjs/package.json'), '{ "type": "commonjs" }\n')
  // The same declarations: whether they describe modules or CommonJS goes by the folder.
  cpSync(join(root, 'dist/types'), join(root, 'dist/cjs/types'), { recursive: true })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  install()
  await buildCommand()
  await buildLibrary()
}
