import type { Handler } from '../handler.ts'
import { metadata } from './03-metadata.ts'
import { apiVersions } from './18-api-versions.ts'
import { describeCluster } from './60-describe-cluster.ts'

/** Every API that is answered: the single source of routing, ApiVersions and the compatibility page. */
export const handlers: readonly Handler[] = [metadata, apiVersions, describeCluster]
