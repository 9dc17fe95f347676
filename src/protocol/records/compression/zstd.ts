import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { CompressionError, tooMuchOutput } from './compression-error.ts'
import { maxZstdOutput } from './zstd-frames.ts'

/**
 * zstd by the reference library compiled to WebAssembly, because Node 20 has none of its own. It is
 * as fast as node:zlib of later versions and much quicker for small batches. The package's own
 * start is asynchronous and its decoder trusts the size that a frame claims; so it is started here
 * in one step, at first use, and the size of the output is bounded beforehand.
 */
interface ZstdLibrary {
  HEAPU8: Uint8Array
  init(wasm: Uint8Array): void
  instantiateWasm?: (imports: object, receive: (instance: WasmInstance) => void) => object
  _malloc(bytes: number): number
  _free(address: number): void
  _ZSTD_isError(result: number): number
  _ZSTD_compressBound(bytes: number): number
  _ZSTD_compress(to: number, room: number, from: number, bytes: number, level: number): number
  _ZSTD_decompress(to: number, room: number, from: number, bytes: number): number
}

interface WasmInstance {
  readonly exports: object
}

/** The part of the global that we use: its types come with the browser's library only. */
interface Wasm {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => WasmInstance
}

const DEFAULT_LEVEL = 3
/** The memory of an instance never shrinks: one that has grown beyond this is not used again. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024

let library: ZstdLibrary | undefined
let compiled: object | undefined

export function zstdCompress(bytes: Uint8Array, level = DEFAULT_LEVEL): Uint8Array {
  library ??= load()
  return call(library, bytes, library._ZSTD_compressBound(bytes.length), (zstd, to, room, from) =>
    zstd._ZSTD_compress(to, room, from, bytes.length, level),
  )
}

/** Any number of frames; checksums are verified where a frame has one. */
export function zstdDecompress(bytes: Uint8Array, limit: number): Uint8Array {
  const most = maxZstdOutput(bytes)
  if (most > limit) throw tooMuchOutput(limit)
  library ??= load()
  return call(library, bytes, most, (zstd, to, room, from) =>
    zstd._ZSTD_decompress(to, room, from, bytes.length),
  )
}

/** Copies in, runs, copies out; gives the library's memory back whatever happens. */
function call(
  zstd: ZstdLibrary,
  bytes: Uint8Array,
  room: number,
  run: (zstd: ZstdLibrary, to: number, room: number, from: number) => number,
): Uint8Array {
  const from = zstd._malloc(bytes.length + room + 2)
  if (from === 0) throw new CompressionError('zstd is out of memory')
  try {
    const to = from + bytes.length + 1
    zstd.HEAPU8.set(bytes, from)
    const result = run(zstd, to, room, from)
    if (zstd._ZSTD_isError(result)) throw new CompressionError(`zstd error ${result}`)
    return zstd.HEAPU8.slice(to, to + result)
  } catch (error) {
    if (error instanceof CompressionError) throw error
    // The library trapped: its memory cannot be trusted any more.
    library = undefined
    throw new CompressionError('zstd failed')
  } finally {
    if (zstd.HEAPU8.length > MAX_KEPT_BYTES) library = undefined
    else zstd._free(from)
  }
}

function load(): ZstdLibrary {
  const require = createRequire(import.meta.url)
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly
  const folder = dirname(require.resolve('@bokuweb/zstd-wasm'))
  const wasm = readFileSync(join(folder, 'zstd.wasm'))
  const glue = join(folder, 'zstd.js')
  // Each load is to give a library with an instance of its own.
  delete require.cache[glue]
  const loaded = (require(glue) as { Module: ZstdLibrary }).Module
  compiled ??= new Module(wasm)
  const code = compiled
  loaded.instantiateWasm = (imports, receive) => {
    const instance = new Instance(code, imports)
    receive(instance)
    return instance.exports
  }
  loaded.init(wasm)
  return loaded
}
