import { ErrorCode } from '../../protocol/error-code.ts'
import type { AppendResult } from '../engine.ts'
import type { BatchFacts } from './batch-facts.ts'
import type { CachedBatch } from './producer-state.ts'

export function appended(batch: BatchFacts, logStartOffset: number): AppendResult {
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    logStartOffset,
    duplicate: false,
    duplicateTimestampMs: -1,
  }
}

export function duplicateOf(original: CachedBatch, logStartOffset: number): AppendResult {
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    baseOffset: original.baseOffset,
    lastOffset: original.lastOffset,
    logStartOffset,
    duplicate: true,
    duplicateTimestampMs: original.timestampMs,
  }
}

export function refused(errorCode: ErrorCode, logStartOffset = -1): AppendResult {
  return {
    errorCode,
    errorMessage: null,
    baseOffset: -1,
    lastOffset: -1,
    logStartOffset,
    duplicate: false,
    duplicateTimestampMs: -1,
  }
}
