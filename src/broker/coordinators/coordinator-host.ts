import type { Effect, ReplyTo } from '../../coordinator/effect.ts'
import { type ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import {
  type Coordinator,
  CoordinatorPartition,
  type CoordinatorPartitionOptions,
} from './coordinator-partition.ts'

/**
 * Runs coordinators: one input at a time per partition, its records appended and replayed before
 * anything that depends on them is answered.
 */
export class CoordinatorHost<C extends Coordinator<R, Asked>, R, Asked = never> {
  readonly #options: CoordinatorPartitionOptions<C, R, Asked>
  readonly #partitions = new Map<number, CoordinatorPartition<C, R, Asked>>()

  constructor(options: CoordinatorPartitionOptions<C, R, Asked>) {
    this.#options = options
  }

  /** Partitions that are loaded or being loaded. */
  get partitions(): readonly number[] {
    return [...this.#partitions.keys()]
  }

  /** Replays a partition; until that is done it answers COORDINATOR_LOAD_IN_PROGRESS. */
  async load(partition: number): Promise<void> {
    const known = this.#partitions.get(partition)
    if (known && known.state !== 'closed') return known.loading
    const host = new CoordinatorPartition<C, R, Asked>(partition, this.#options)
    this.#partitions.set(partition, host)
    await host.load()
  }

  /** Gives a partition up, for instance because its topic is gone. */
  unload(partition: number): void {
    const host = this.#partitions.get(partition)
    this.#partitions.delete(partition)
    host?.unload()
  }

  close(): void {
    for (const partition of this.partitions) this.unload(partition)
  }

  /** What a partition knows now, without waiting. Throws the KafkaError of `submit`. */
  read(partition: number): C {
    return this.#active(partition).coordinator
  }

  isLoading(partition: number): boolean {
    return this.#partitions.get(partition)?.state === 'loading'
  }

  isActive(partition: number): boolean {
    return this.#partitions.get(partition)?.state === 'active'
  }

  /**
   * Hands an input to a partition's coordinator and gives what it answers. Throws KafkaError
   * NOT_COORDINATOR or COORDINATOR_LOAD_IN_PROGRESS when the partition cannot take inputs.
   */
  submit<Response>(
    partition: number,
    decide: (coordinator: C, to: ReplyTo<Response>, nowMs: number) => Effect<R, Asked>[],
  ): Response | Promise<Response> {
    return this.#active(partition).submit(decide)
  }

  /** An input that nobody waits for. */
  tell(partition: number, decide: (coordinator: C, nowMs: number) => Effect<R, Asked>[]): void {
    this.#active(partition).tell(decide)
  }

  /**
   * Ends a transaction on a partition: `appendMarker` writes the control batch in turn with the
   * partition's own appends; when it answers NONE the coordinator replays the end.
   */
  endTransaction(
    partition: number,
    producerId: number,
    result: 'commit' | 'abort',
    appendMarker: () => ErrorCode | Promise<ErrorCode>,
  ): ErrorCode | Promise<ErrorCode> {
    return this.#active(partition).endTransaction(producerId, result, appendMarker)
  }

  #active(partition: number): CoordinatorPartition<C, R, Asked> {
    const host = this.#partitions.get(partition)
    if (!host || host.state === 'closed') throw new KafkaError('NOT_COORDINATOR')
    if (host.state === 'loading') throw new KafkaError('COORDINATOR_LOAD_IN_PROGRESS')
    return host
  }
}
