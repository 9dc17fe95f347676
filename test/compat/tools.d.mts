export const KAFKA_VERSION: string
export const OLD_KAFKA_VERSION: string
export const home: string
export const tools: {
  kafkaLibraries(version: string): string
  readonly streamsLibraries: string
  readonly shellLibraries: string
  classArchives(version: string): string
  python: string
  go: string
  load: string
  nodeDirectory: string
  packageModules: string
  examplePython: string
  exampleNestModules: string
  kcat: string
  java: string
}
