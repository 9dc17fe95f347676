// Where provision.mjs puts the foreign clients. Outside the repository, so that every clone of it
// on this machine shares them; each is pinned by a file beside this one.
import { homedir } from 'node:os'
import { join } from 'node:path'

export const KAFKA_VERSION = '4.3.1'
/** The last minor release whose console producer was documented with --broker-list. */
export const OLD_KAFKA_VERSION = '3.3.1'

export const home =
  process.env.DOHLE_COMPAT_HOME ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'dohle', 'compat')

export const tools = {
  kafkaLibraries: (version) => join(home, `kafka-${version}`, 'libs'),
  streamsLibraries: join(home, 'kafka-streams', 'libs'),
  shellLibraries: join(home, 'kafka-shell', 'libs'),
  /** Class archives, made when a tool runs for the first time. */
  classArchives: (version) => join(home, `kafka-${version}`, 'archives'),
  python: join(home, 'python', 'bin', 'python'),
  go: join(home, 'go', 'compat'),
  load: join(home, 'go', 'load'),
  nodeDirectory: join(home, 'node'),
  packageModules: join(home, 'package', 'node_modules'),
  examplePython: join(home, 'example-pytest', 'bin', 'python'),
  exampleNestModules: join(home, 'example-nestjs', 'node_modules'),
  kcat: 'kcat',
  java: 'java',
}
