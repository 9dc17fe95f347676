import type { Handler } from '../handler.ts'

/** Every API that is answered: the single source of routing, ApiVersions and the compatibility page. */
export const handlers: readonly Handler[] = []
