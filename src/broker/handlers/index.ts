import type { Handler } from '../handler.ts'
import { produce } from './00-produce.ts'
import { fetch } from './01-fetch.ts'
import { listOffsets } from './02-list-offsets.ts'
import { metadata } from './03-metadata.ts'
import { apiVersions } from './18-api-versions.ts'
import { deleteRecords } from './21-delete-records.ts'
import { initProducerId } from './22-init-producer-id.ts'
import { offsetForLeaderEpoch } from './23-offset-for-leader-epoch.ts'
import { describeCluster } from './60-describe-cluster.ts'

/** Every API that is answered: the single source of routing, ApiVersions and the compatibility page. */
export const handlers: readonly Handler[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  apiVersions,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  describeCluster,
]
