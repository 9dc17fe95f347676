import { CompressionError, type DecompressLimits, outputLimit } from './compression-error.ts'
import { gunzip, gzip } from './gzip.ts'
import { lz4FrameCompress, lz4FrameDecompress } from './lz4.ts'
import { snappyDecompress, xerialCompress } from './snappy.ts'
import { zstdCompress, zstdDecompress } from './zstd.ts'

export { CompressionError, type DecompressLimits } from './compression-error.ts'

/**
 * The codecs of record batches (reference: record-format.md section 5). Everything is synchronous,
 * so that a produce request can be checked inside the socket's read callback. gzip comes with Node,
 * snappy and lz4 are ours, zstd is WebAssembly that is compiled at its first use.
 *
 * Input is hostile: lengths that a stream claims are checked against what its bytes could possibly
 * hold before anything is allocated, and output stops at `DecompressLimits`.
 */
export type Compression = 'none' | Codec
export type Codec = 'gzip' | 'snappy' | 'lz4' | 'zstd'

const names: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** Undefined for 5 to 7, which no codec has. */
export function compressionName(id: number): Compression | undefined {
  return names[id]
}

/** The value of attribute bits 0 to 2. */
export function compressionId(name: Compression): number {
  return names.indexOf(name)
}

export interface CompressOptions {
  /** As compression.<codec>.level for gzip and zstd; the codec's default when left out. */
  readonly level?: number | undefined
  /** Format of the batch; lz4 in magic 0 has a header checksum of its own. */
  readonly magic?: number | undefined
}

export function compress(
  codec: Codec,
  bytes: Uint8Array,
  options: CompressOptions = {},
): Uint8Array {
  switch (codec) {
    case 'gzip':
      return gzip(bytes, options.level)
    case 'snappy':
      return xerialCompress(bytes)
    case 'lz4':
      return lz4FrameCompress(bytes, { brokenHeaderChecksum: options.magic === 0 })
    case 'zstd':
      return zstdCompress(bytes, options.level)
  }
}

export interface DecompressOptions extends DecompressLimits {
  readonly magic?: number | undefined
}

/**
 * The whole output, in memory of its own. Throws `CompressionError`, which carries what came out
 * before the fault.
 */
export function decompress(
  codec: Codec,
  bytes: Uint8Array,
  options: DecompressOptions = {},
): Uint8Array {
  const limit = outputLimit(bytes.length, options)
  switch (codec) {
    case 'gzip':
      return gunzip(bytes, limit)
    case 'snappy':
      return snappyDecompress(bytes, limit)
    case 'lz4':
      return lz4FrameDecompress(bytes, limit, { checkHeader: options.magic !== 0 })
    case 'zstd':
      return zstdDecompress(bytes, limit)
  }
}

/** The codec of attribute bits 0 to 2; throws for the ids that no codec has. */
export function requireCompression(id: number): Compression {
  const name = compressionName(id)
  if (name === undefined) throw new CompressionError(`Unknown compression type id: ${id}`)
  return name
}
