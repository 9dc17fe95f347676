import type { Uuid } from '../base/uuid.ts'

/**
 * Messages as data: a schema value per message, TypeScript types inferred from it, readers and
 * writers compiled from it (codec.ts). Encoding rules: message-schemas.md.
 */

export type PrimitiveType =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'

export interface FieldOptions {
  /** First message version that has the field; 0 when left out. */
  readonly since?: number
  /** Last message version that has the field; the newest when left out. */
  readonly until?: number
  /** First version that allows null, of the nullable kinds only; 0 when left out. */
  readonly nullableSince?: number
  /** The field stands in the tagged section of its struct, under this number... */
  readonly tag?: number
  /** ...from this version on; from `since` on when left out. */
  readonly tagSince?: number
}

interface WithDefault<Value> extends FieldOptions {
  /**
   * What a reader gives when the bytes lack the field, and what a writer takes when the value
   * lacks it. Left out: null for nullable kinds, else 0, false, '', [], no bytes, the zero uuid, or
   * a struct of such.
   */
  readonly default?: Value
}

/** A declared field. `Value` is what reading gives, `Input` what writing takes: types only. */
export interface Field<Value = unknown, Input = unknown, Optional extends boolean = boolean> {
  readonly type: PrimitiveType | 'array' | 'struct'
  readonly nullable: boolean
  readonly options: WithDefault<unknown>
  /** Of arrays: what one element is. */
  readonly element?: Field
  /** Of structs. */
  readonly fields?: Fields
  /** Carries types, never a value. */
  readonly phantom?: { value: Value; input: Input; optional: Optional }
}

export type Fields = { readonly [name: string]: Field }

type ValueIn<F> = F extends Field<infer Value, unknown, boolean> ? Value : never
type InputIn<F> = F extends Field<unknown, infer Input, boolean> ? Input : never

/** What a reader returns: every field is there, whatever the version. */
export type Decoded<F extends Fields> = { readonly [Name in keyof F]: ValueIn<F[Name]> }

type OptionalNames<F extends Fields> = {
  [Name in keyof F]: F[Name] extends Field<unknown, unknown, false> ? never : Name
}[keyof F]

/** What a writer takes: fields with a default, a tag or a limited version range may be left out. */
export type Encodable<F extends Fields> = {
  readonly [Name in Exclude<keyof F, OptionalNames<F>>]: InputIn<F[Name]>
} & { readonly [Name in OptionalNames<F>]?: InputIn<F[Name]> | undefined }

type MayBeLeftOut =
  | { readonly since: number }
  | { readonly until: number }
  | { readonly tag: number }
  | { readonly default: unknown }

type IsOptional<Options> = Options extends MayBeLeftOut ? true : false

const noOptions = {}

function primitive<Value>(type: PrimitiveType) {
  return <const Options extends WithDefault<Value> = typeof noOptions>(
    options?: Options,
  ): Field<Value, Value, IsOptional<Options>> => ({
    type,
    nullable: false,
    options: options ?? noOptions,
  })
}

function nullablePrimitive<Value>(type: PrimitiveType) {
  return <const Options extends WithDefault<Value | null> = typeof noOptions>(
    options?: Options,
  ): Field<Value | null, Value | null, IsOptional<Options>> => ({
    type,
    nullable: true,
    options: options ?? noOptions,
  })
}

/** One byte; any value but 0 reads as true. */
export const bool = primitive<boolean>('bool')
export const int8 = primitive<number>('int8')
export const int16 = primitive<number>('int16')
export const uint16 = primitive<number>('uint16')
export const int32 = primitive<number>('int32')
export const uint32 = primitive<number>('uint32')
/** A number that saturates at +-(2^53-1), which stand for +-2^63 on the wire (bytes/int64.ts). */
export const int64 = primitive<number>('int64')
export const float64 = primitive<number>('float64')
/** Sixteen bytes as a latin1 string (base/uuid.ts). */
export const uuid = primitive<Uuid>('uuid')
/** UTF-8 of at most 32767 bytes; what is not UTF-8 reads as replacement characters. */
export const string = primitive<string>('string')
export const nullableString = nullablePrimitive<string>('string')

/** A reader copies these bytes: they may be kept. */
export function bytes<const Options extends FieldOptions = typeof noOptions>(
  options?: Options,
): Field<Buffer, Uint8Array, IsOptional<Options>> {
  return { type: 'bytes', nullable: false, options: options ?? noOptions }
}

export function nullableBytes<const Options extends WithDefault<null> = typeof noOptions>(
  options?: Options,
): Field<Buffer | null, Uint8Array | null, IsOptional<Options>> {
  return { type: 'bytes', nullable: true, options: options ?? noOptions }
}

/**
 * Record batches as they are stored. A reader gives a view of the receive buffer, gone when the
 * handler returns; a writer refers to large ones and copies small ones.
 */
export function records<const Options extends FieldOptions = typeof noOptions>(
  options?: Options,
): Field<Buffer, Uint8Array, IsOptional<Options>> {
  return { type: 'records', nullable: false, options: options ?? noOptions }
}

export function nullableRecords<const Options extends WithDefault<null> = typeof noOptions>(
  options?: Options,
): Field<Buffer | null, Uint8Array | null, IsOptional<Options>> {
  return { type: 'records', nullable: true, options: options ?? noOptions }
}

/** Elements are structs (given as their fields) or a primitive; arrays do not nest directly. */
export type Element = Field | Fields

type ElementValue<E> =
  E extends Field<infer Value, unknown, boolean> ? Value : E extends Fields ? Decoded<E> : never
type ElementInput<E> =
  E extends Field<unknown, infer Input, boolean> ? Input : E extends Fields ? Encodable<E> : never

export function array<
  const E extends Element,
  const Options extends FieldOptions = typeof noOptions,
>(
  element: E,
  options?: Options,
): Field<readonly ElementValue<E>[], readonly ElementInput<E>[], IsOptional<Options>> {
  return {
    type: 'array',
    nullable: false,
    options: options ?? noOptions,
    element: elementField(element),
  }
}

export function nullableArray<
  const E extends Element,
  const Options extends WithDefault<readonly never[] | null> = typeof noOptions,
>(
  element: E,
  options?: Options,
): Field<
  readonly ElementValue<E>[] | null,
  readonly ElementInput<E>[] | null,
  IsOptional<Options>
> {
  return {
    type: 'array',
    nullable: true,
    options: options ?? noOptions,
    element: elementField(element),
  }
}

export function struct<
  const F extends Fields,
  const Options extends FieldOptions = typeof noOptions,
>(fields: F, options?: Options): Field<Decoded<F>, Encodable<F>, IsOptional<Options>> {
  return { type: 'struct', nullable: false, options: options ?? noOptions, fields }
}

/** `default: {}` stands for a struct of its fields' defaults. */
export function nullableStruct<
  const F extends Fields,
  const Options extends WithDefault<null | Readonly<Record<string, never>>> = typeof noOptions,
>(
  fields: F,
  options?: Options,
): Field<Decoded<F> | null, Encodable<F> | null, IsOptional<Options>> {
  return { type: 'struct', nullable: true, options: options ?? noOptions, fields }
}

function elementField(element: Element): Field {
  if (isField(element)) return element
  return { type: 'struct', nullable: false, options: noOptions, fields: element }
}

/** A struct may have a field called `type`; only of a field itself is that a string. */
function isField(element: Element): element is Field {
  return typeof element.type === 'string'
}

/** One message body: fields, the versions it exists in, and its first version with compact types. */
export interface Message<F extends Fields = Fields> {
  readonly name: string
  readonly versions: readonly [min: number, max: number]
  readonly flexibleSince: number | undefined
  readonly fields: F
  /** Where codec.ts keeps the functions it made; index is the version. */
  readonly compiled: { readonly reads: unknown[]; readonly writes: unknown[] }
}

export function message<const F extends Fields>(declaration: {
  readonly name: string
  readonly versions: readonly [min: number, max: number]
  readonly flexibleSince?: number
  readonly fields: F
}): Message<F> {
  const { name, versions, flexibleSince, fields } = declaration
  return { name, versions, flexibleSince, fields, compiled: { reads: [], writes: [] } }
}

/** A request and its response under one API key. */
export interface Api<Request extends Fields = Fields, Response extends Fields = Fields> {
  readonly key: number
  readonly name: string
  readonly versions: readonly [min: number, max: number]
  readonly flexibleSince: number | undefined
  readonly request: Message<Request>
  readonly response: Message<Response>
}

/** `flexibleSince` left out: no version of the API has compact types and tagged fields. */
export function api<const Request extends Fields, const Response extends Fields>(declaration: {
  readonly key: number
  readonly name: string
  readonly versions: readonly [min: number, max: number]
  readonly flexibleSince?: number
  readonly request: Request
  readonly response: Response
}): Api<Request, Response> {
  const { key, name, versions, flexibleSince } = declaration
  const body = <F extends Fields>(direction: string, fields: F): Message<F> => ({
    name: `${name}${direction}`,
    versions,
    flexibleSince,
    fields,
    compiled: { reads: [], writes: [] },
  })
  return {
    key,
    name,
    versions,
    flexibleSince,
    request: body('Request', declaration.request),
    response: body('Response', declaration.response),
  }
}

/** The type of a decoded message: `DecodedOf<typeof ConsumerProtocolSubscription>`. */
export type DecodedOf<M extends Message> = M extends Message<infer F> ? Decoded<F> : never
/** The type of a message to encode. */
export type EncodableOf<M extends Message> = M extends Message<infer F> ? Encodable<F> : never
/** What a handler gets. */
export type RequestOf<A extends Api> = DecodedOf<A['request']>
/** What a handler answers. */
export type ResponseOf<A extends Api> = EncodableOf<A['response']>
