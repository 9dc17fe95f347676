import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/compat/**'],
    testTimeout: 20_000,
    // A busy machine makes conditions come late, not untrue.
    expect: { poll: { timeout: 15_000 } },
  },
})
