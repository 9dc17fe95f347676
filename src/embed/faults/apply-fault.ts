import type { Outcome } from '../../broker/handler.ts'
import { closeConnection } from '../../broker/handler.ts'
import type { InterceptedCall } from '../../broker/interceptor.ts'
import { settled } from '../../broker/settled.ts'
import { ErrorCode, type ErrorName, KafkaError } from '../../protocol/error-code.ts'
import type { Api, RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { Fault } from './fault.ts'
import { withCorruptRecords, withFetchErrors, withMetadataErrors } from './faulty-answers.ts'
import { ownedCopy } from './owned-copy.ts'
import { type Message, type NameOf, overlay, partOf } from './request-topics.ts'

export type Answer = Outcome<ResponseOf<Api>>
type Request = RequestOf<Api>

/** One request on its way through the faults that hit it. */
export interface FaultyCall {
  readonly call: InterceptedCall
  readonly request: Request
  /** What comes after this fault: the next one, or the handler. */
  next(request: Request): Answer | Promise<Answer>
}

/** What faults need of the broker around them. */
export interface FaultTools {
  readonly nameOf: NameOf
  /** Partitions that a fetch is about, its session's included. */
  wanted(
    call: InterceptedCall,
  ): readonly { readonly topic: string; readonly topicId: string; readonly partition: number }[]
  /** On the broker's clock. False: the connection or the broker is gone. */
  delay(call: InterceptedCall, ms: number): Promise<boolean>
  /** Takes nothing more from the connection until then. */
  mute(call: InterceptedCall, ms: number): void
  /** For the journal. */
  done(fault: Fault, call: InterceptedCall, what: string): void
}

/** These are of the session, not of its partitions. */
const sessionErrors: ReadonlySet<ErrorName> = new Set([
  'FETCH_SESSION_ID_NOT_FOUND',
  'INVALID_FETCH_SESSION_EPOCH',
  'FETCH_SESSION_TOPIC_ID_ERROR',
  'UNKNOWN_SERVER_ERROR',
])

/** Answers a request that `fault` is for, as the fault has it. */
export function applyFault(
  fault: Fault,
  faulty: FaultyCall,
  tools: FaultTools,
): Answer | Promise<Answer> {
  if (fault.spec.corrupt) return answerCorrupt(fault, faulty, tools)
  if (!fault.take()) return faulty.next(faulty.request)
  const { delayMs, throttleMs } = fault.spec
  if (delayMs !== undefined) return applyLater(fault, faulty, tools, delayMs)
  return settled(applyEffect(fault, faulty, tools), (answer) =>
    throttleMs === undefined ? answer : throttled(fault, faulty, tools, answer),
  )
}

async function applyLater(
  fault: Fault,
  { call, request, next }: FaultyCall,
  tools: FaultTools,
  delayMs: number,
): Promise<Answer> {
  // The bytes of the records are the socket's.
  const kept = ownedCopy(request)
  tools.done(fault, call, `waited ${delayMs} ms`)
  if (!(await tools.delay(call, delayMs))) return call.close('a delayed request was given up')
  const answer = await applyEffect(fault, { call, request: kept, next }, tools)
  return fault.spec.throttleMs === undefined
    ? answer
    : throttled(fault, { call, request, next }, tools, answer)
}

function throttled(fault: Fault, { call }: FaultyCall, tools: FaultTools, answer: Answer): Answer {
  const { throttleMs = 0 } = fault.spec
  tools.done(fault, call, `throttled for ${throttleMs} ms`)
  tools.mute(call, throttleMs)
  if (answer === null || answer === closeConnection) return answer
  const field = call.api.response.fields['throttleTimeMs']
  if (!field || call.apiVersion < (field.options.since ?? 0)) return answer
  return { ...answer, throttleTimeMs: throttleMs }
}

function applyEffect(
  fault: Fault,
  faulty: FaultyCall,
  tools: FaultTools,
): Answer | Promise<Answer> {
  const { call, request, next } = faulty
  const { drop, hang } = fault.spec
  if (drop === 'before') {
    tools.done(fault, call, 'closed the connection, nothing was done')
    return call.close('a fault closes the connection')
  }
  if (drop === 'after') {
    return settled(next(request), () => {
      tools.done(fault, call, 'closed the connection, the work was done')
      return call.close('a fault closes the connection')
    })
  }
  if (hang) {
    tools.done(fault, call, 'never answers')
    return tools
      .delay(call, Number.POSITIVE_INFINITY)
      .then(() => call.close('an answer was withheld'))
  }
  if (fault.plan.error) return answerError(fault, faulty, tools, fault.plan.error)
  return next(request)
}

function answerError(
  fault: Fault,
  faulty: FaultyCall,
  tools: FaultTools,
  error: ErrorName,
): Answer | Promise<Answer> {
  const { call, request, next } = faulty
  if (call.api.name === 'Fetch' && !sessionErrors.has(error)) {
    return answerFetchError(fault, faulty, tools, error)
  }
  if (call.api.name === 'Metadata' || call.api.name === 'DescribeTopicPartitions') {
    return answerMetadataError(fault, faulty, tools, error)
  }
  const refusal = new KafkaError(error)
  const isWhole = fault.spec.topic === undefined
  const part = isWhole ? null : partOf(request, tools.nameOf, (...it) => fault.covers(...it))
  const rest = part && partOf(request, tools.nameOf, (...it) => !fault.covers(...it))
  const failed = (base: Answer): Answer => {
    const where = isWhole ? '' : ` for ${describe(fault)}`
    const after = fault.spec.when === 'after' ? ', the work was done' : ''
    tools.done(fault, call, `answered ${error}${where}${after}`)
    const answer = call.fail(refusal, part ?? request)
    return isAnswer(base) && isAnswer(answer) ? overlay(base, answer) : answer
  }
  if (fault.spec.when === 'after') {
    return settled(next(request), (answer) => failed(rest ? answer : null))
  }
  return rest ? settled(next(rest), failed) : failed(null)
}

/** Errors are told at once: whoever reads other partitions too does not wait for data. */
function answerFetchError(
  fault: Fault,
  { call, request, next }: FaultyCall,
  tools: FaultTools,
  error: ErrorName,
): Answer | Promise<Answer> {
  const wanted = tools.wanted(call).filter(({ topic, topicId, partition }) => {
    const name = topic || tools.nameOf(topicId)
    return name !== undefined && fault.covers(name, partition)
  })
  return settled(next({ ...request, maxWaitMs: 0, minBytes: 0 }), (answer) => {
    tools.done(fault, call, `answered ${error} for ${wanted.length} partitions`)
    return isAnswer(answer) ? withFetchErrors(answer, wanted, ErrorCode[error]) : answer
  })
}

function answerMetadataError(
  fault: Fault,
  { call, request, next }: FaultyCall,
  tools: FaultTools,
  error: ErrorName,
): Answer | Promise<Answer> {
  const { hidesLeader } = fault.plan
  const told = hidesLeader ? 'LEADER_NOT_AVAILABLE' : error
  return settled(next({ ...request, allowAutoTopicCreation: false }), (answer) => {
    tools.done(fault, call, `answered ${told} for ${describe(fault)}`)
    if (!isAnswer(answer)) return answer
    return withMetadataErrors(answer, {
      nameOf: tools.nameOf,
      covers: (...it) => fault.covers(...it),
      errorCode: ErrorCode[told],
      ofPartitions: hidesLeader || fault.spec.partition !== undefined,
    })
  })
}

function answerCorrupt(
  fault: Fault,
  { call, request, next }: FaultyCall,
  tools: FaultTools,
): Answer | Promise<Answer> {
  return settled(next(request), (answer) => {
    if (!isAnswer(answer)) return answer
    const { response, damaged } = withCorruptRecords(
      answer,
      fault.spec.corrupt!,
      tools.nameOf,
      (...it) => fault.covers(...it),
    )
    // Polls that find nothing do not count.
    if (damaged.length === 0 || !fault.take()) return answer
    tools.done(fault, call, `damaged (${fault.spec.corrupt}) the records of ${damaged.join(' ')}`)
    return response
  })
}

function isAnswer(answer: Answer): answer is ResponseOf<Api> & Message {
  return answer !== null && answer !== closeConnection
}

function describe({ spec: { topic, partition } }: Fault): string {
  if (topic === undefined) return 'all topics'
  return partition === undefined ? topic : `${topic}-${partition}`
}
