import { defineConfig } from 'vitest/config'

/** Foreign clients against a real process: one file at a time, since the machine is small. */
export default defineConfig({
  test: {
    include: ['test/compat/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
})
