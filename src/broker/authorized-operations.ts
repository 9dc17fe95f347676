/** Operations of ACLs by their codes on the wire (KIP-430). */
const AclOperation = {
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
} as const

type OperationName = keyof typeof AclOperation

function bits(...names: OperationName[]): number {
  return names.reduce((mask, name) => mask | (1 << AclOperation[name]), 0)
}

/** The field's value when nobody asked for it. */
export const OPERATIONS_NOT_ASKED = -2147483648

/** Bit fields of every operation that a resource knows: what a caller may do without ACLs. */
export const allTopicOperations = bits(
  'READ',
  'WRITE',
  'CREATE',
  'DELETE',
  'ALTER',
  'DESCRIBE',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
)
export const allGroupOperations = bits(
  'READ',
  'DELETE',
  'DESCRIBE',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
)
export const allClusterOperations = bits(
  'CREATE',
  'ALTER',
  'DESCRIBE',
  'CLUSTER_ACTION',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
  'IDEMPOTENT_WRITE',
)
