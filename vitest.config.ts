import { defineConfig } from 'vitest/config'

// Nothing here asserts on time. The limits only end a test that waits for an event that will never come.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/secp256k1.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two workers suit the smallest machine the suite is meant for; end-to-end tests start processes of their own.
    maxWorkers: 2,
    allowOnly: false,
  },
})
