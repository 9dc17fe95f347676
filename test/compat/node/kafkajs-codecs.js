// kafkajs has gzip of its own; the others come as packages, as its users add them.
import kafkajs from 'kafkajs'
import snappy from 'kafkajs-snappy'
import lz4 from 'lz4-napi'
import { ZstdCodec } from 'zstd-codec'

const { CompressionCodecs, CompressionTypes } = kafkajs

const zstd = await new Promise((resolve) => ZstdCodec.run(({ Simple }) => resolve(new Simple())))

CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.LZ4] = codec(lz4.compressFrameSync, lz4.decompressFrameSync)
CompressionCodecs[CompressionTypes.ZSTD] = codec(
  (bytes) => zstd.compress(bytes, 1),
  (bytes) => zstd.decompress(bytes),
)

function codec(compress, decompress) {
  return () => ({
    compress: async (encoder) => Buffer.from(compress(encoder.buffer)),
    decompress: async (bytes) => Buffer.from(decompress(bytes)),
  })
}
