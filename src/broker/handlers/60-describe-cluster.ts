import { DescribeCluster } from '../../protocol/apis/60-describe-cluster.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import { allClusterOperations, OPERATIONS_NOT_ASKED } from '../authorized-operations.ts'
import type { Broker, Node } from '../broker.ts'
import { controllerId } from '../controller.ts'
import { handler } from '../handler.ts'

const BROKERS = 1
const CONTROLLERS = 2

/** Rules: admin-and-config.md section 9. */
export const describeCluster = handler(
  DescribeCluster,
  [0, 2],
  (request, { peer }, broker) => {
    requireBrokerEndpoint(request.endpointType)
    const live = broker.nodes(peer).map((node) => ({ ...node, isFenced: false }))
    const fenced = request.includeFencedBrokers ? fencedNodes(broker, peer.listenerName) : []
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      endpointType: BROKERS,
      clusterId: broker.clusterId,
      controllerId: controllerId(broker),
      brokers: [...live, ...fenced],
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? allClusterOperations
        : OPERATIONS_NOT_ASKED,
    }
  },
  {
    errorResponse: (_request, error) => ({
      throttleTimeMs: 0,
      ...error,
      clusterId: '',
      brokers: [],
    }),
  },
)

function requireBrokerEndpoint(endpointType: number): void {
  if (endpointType === BROKERS) return
  if (endpointType === CONTROLLERS) {
    throw new KafkaError(
      'MISMATCHED_ENDPOINT_TYPE',
      'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER',
    )
  }
  throw new KafkaError('UNSUPPORTED_ENDPOINT_TYPE', `Unsupported endpoint type ${endpointType}`)
}

function fencedNodes({ engine }: Broker, listenerName: string): (Node & { isFenced: boolean })[] {
  const nodes = []
  for (const { brokerId, endpoints, rack, fenced } of engine.metadata.image.brokers.values()) {
    const endpoint = endpoints.find(({ name }) => name === listenerName)
    if (!fenced || !endpoint) continue
    nodes.push({ brokerId, host: endpoint.host, port: endpoint.port, rack, isFenced: true })
  }
  return nodes
}
