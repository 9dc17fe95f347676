// The bundles hold code of other packages, whose licences want to go with it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './inputs.mjs'

/** Writes the licence of each package that `metafile` (esbuild's) has code of. */
export function writeLicences(metafile, file) {
  const paths = Object.keys(metafile.inputs)
  const folders = paths.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0])
  const texts = [...new Set(folders)].sort().flatMap((folder) => (folder ? licence(folder) : []))
  writeFileSync(join(root, file), `What dohle contains of other packages.\n\n${texts.join('\n')}`)
}

function licence(folder) {
  const { name, version, license } = JSON.parse(
    readFileSync(join(root, folder, 'package.json'), 'utf8'),
  )
  const found = readdirSync(join(root, folder)).find((one) => /^licen[cs]e/i.test(one))
  if (!found) throw new Error(`${name} is bundled and has no licence file`)
  return `${name} ${version} (${license})\n\n${readFileSync(join(root, folder, found), 'utf8')}`
}
