import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DescribeClientQuotas } from '../../src/protocol/apis/48-describe-client-quotas.ts'
import { AlterClientQuotas } from '../../src/protocol/apis/49-alter-client-quotas.ts'
import { DescribeUserScramCredentials } from '../../src/protocol/apis/50-describe-user-scram-credentials.ts'
import { AlterUserScramCredentials } from '../../src/protocol/apis/51-alter-user-scram-credentials.ts'
import { startTestBroker, type TestBroker } from './test-broker.ts'

/** Codes and messages are those of Apache Kafka 4.3.1, asked on the wire. */

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker()
})
afterEach(() => broker.close())

type Entity = Readonly<Record<string, string | null>>
type Op = readonly [key: string, value: number | null]

function entityOf(entity: Entity) {
  return Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))
}

async function alter(...entries: readonly (readonly [Entity, ...Op[]])[]) {
  const { entries: results } = await broker.ask(AlterClientQuotas, 1, {
    entries: entries.map(([entity, ...ops]) => ({
      entity: entityOf(entity),
      ops: ops.map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
    })),
    validateOnly: false,
  })
  return results.map(({ errorCode, errorMessage }) => [errorCode, errorMessage])
}

async function find(
  components: readonly { entityType: string; matchType: number; match: string | null }[],
  strict = false,
) {
  const { errorCode, errorMessage, entries } = await broker.ask(DescribeClientQuotas, 1, {
    components,
    strict,
  })
  if (errorCode !== 0) return [errorCode, errorMessage]
  return entries!.map(({ entity, values }) => [
    Object.fromEntries(entity.map(({ entityType, entityName }) => [entityType, entityName])),
    Object.fromEntries(values.map(({ key, value }) => [key, value])),
  ])
}

describe('client quotas', () => {
  const [EXACT, DEFAULT, ANY] = [0, 1, 2]

  test('are found by exact name, as the default, by type, and strictly', async () => {
    await alter(
      [{ user: 'u1' }, ['producer_byte_rate', 1000]],
      [{ user: 'u1', 'client-id': null }, ['request_percentage', 55.5]],
      [{ user: null }, ['consumer_byte_rate', 2000]],
      [{ ip: '127.0.0.1' }, ['connection_creation_rate', 10]],
    )
    const u1 = [{ user: 'u1' }, { producer_byte_rate: 1000 }]
    const both = [{ user: 'u1', 'client-id': null }, { request_percentage: 55.5 }]
    const everyone = [{ user: null }, { consumer_byte_rate: 2000 }]
    const user = (matchType: number, match: string | null = null) => ({
      entityType: 'user',
      matchType,
      match,
    })
    expect(await find([])).toHaveLength(4)
    expect(await find([], true)).toEqual([])
    expect(await find([user(EXACT, 'u1')])).toEqual([u1, both])
    expect(await find([user(EXACT, 'u1')], true)).toEqual([u1])
    expect(await find([user(DEFAULT)], true)).toEqual([everyone])
    expect(await find([user(ANY)], true)).toEqual([u1, everyone])
    expect(
      await find([user(ANY), { entityType: 'client-id', matchType: DEFAULT, match: null }], true),
    ).toEqual([both])
  })

  test('a removal leaves nothing behind, and removing what is not there is fine', async () => {
    await alter([{ user: 'u1' }, ['producer_byte_rate', 1000]])
    expect(await alter([{ user: 'u1' }, ['producer_byte_rate', null]])).toEqual([[0, null]])
    expect(await alter([{ user: 'u1' }, ['producer_byte_rate', null]])).toEqual([[0, null]])
    expect(await find([])).toEqual([])
  })

  test.each<[string, Entity, Op[], string]>([
    ['type', { foo: 'u' }, [['producer_byte_rate', 1]], 'Unhandled client quota entity type: foo'],
    ['name', { user: '' }, [['producer_byte_rate', 1]], 'Empty user not supported'],
    ['nobody', {}, [['producer_byte_rate', 1]], 'Invalid empty client quota entity'],
    ['key', { user: 'u' }, [['foo', 1]], 'Invalid configuration key foo'],
    [
      'key of an address',
      { ip: '127.0.0.1' },
      [['producer_byte_rate', 1]],
      'Invalid configuration key producer_byte_rate',
    ],
    [
      'zero',
      { user: 'u' },
      [['producer_byte_rate', 0]],
      'Quota producer_byte_rate must be greater than 0',
    ],
    [
      'fraction',
      { user: 'u' },
      [['producer_byte_rate', 1.5]],
      'producer_byte_rate cannot be a fractional value.',
    ],
    [
      'size',
      { user: 'u' },
      [['producer_byte_rate', 1e30]],
      'Proposed value for producer_byte_rate is too large for a LONG.',
    ],
    [
      'host',
      { ip: 'no.such.host.invalid' },
      [['connection_creation_rate', 1]],
      'no.such.host.invalid is not a valid IP or resolvable host.',
    ],
    [
      'mixture',
      { ip: '127.0.0.1', user: 'u' },
      [['connection_creation_rate', 1]],
      'Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId',
    ],
    [
      'key twice',
      { user: 'u6' },
      [
        ['producer_byte_rate', 1],
        ['producer_byte_rate', 2],
      ],
      'Ignoring duplicate entity ClientQuotaEntity(entries={user=u6})',
    ],
  ])('a wrong %s is refused', async (_what, entity, ops, message) => {
    expect(await alter([entity, ...ops])).toEqual([[42, message]])
    expect(broker.metadata.image.clientQuotas.size).toBe(0)
  })

  test('an entity twice is refused, although what comes first is stored', async () => {
    expect(
      await alter(
        [{ user: 'u1' }, ['producer_byte_rate', 1]],
        [{ user: 'u1' }, ['consumer_byte_rate', 1]],
        [{ user: 'u2' }, ['consumer_byte_rate', 1]],
      ),
    ).toEqual([
      [42, 'Ignoring duplicate entity ClientQuotaEntity(entries={user=u1})'],
      [0, null],
    ])
    expect(await find([])).toEqual([
      [{ user: 'u1' }, { producer_byte_rate: 1 }],
      [{ user: 'u2' }, { consumer_byte_rate: 1 }],
    ])
  })

  test('whatever is not there may be removed, and a rate may be no number', async () => {
    expect(await alter([{ user: 'u1' }, ['nonsense', null]])).toEqual([[0, null]])
    expect(await alter([{ user: 'u1' }, ['producer_byte_rate', Number.NaN]])).toEqual([[0, null]])
    expect(await alter([{ user: 'u1' }, ['consumer_byte_rate', 7.0000001]])).toEqual([[0, null]])
  })

  test.each<[string, number, string | null, number, string]>([
    ['user', 0, null, 42, 'Request specified MATCH_TYPE_EXACT, but set match string to null.'],
    [
      'user',
      1,
      'x',
      42,
      'Request specified MATCH_TYPE_DEFAULT, but also specified a match string.',
    ],
    // The word is Kafka's slip.
    [
      'user',
      2,
      'x',
      42,
      'Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.',
    ],
    ['user', 7, 'x', 42, 'Unknown match type 7'],
    ['', 0, 'x', 42, 'Invalid empty entity type.'],
    ['foo', 0, 'x', 35, 'Unsupported entity type foo'],
  ])(
    'a filter of %j with match %i is refused',
    async (entityType, matchType, match, code, message) => {
      expect(await find([{ entityType, matchType, match }])).toEqual([code, message])
    },
  )

  test('a filter may not name a type twice, nor an address with others', async () => {
    const one = (entityType: string) => ({ entityType, matchType: 0, match: 'x' })
    expect(await find([one('user'), one('user')])).toEqual([
      42,
      'Entity type user cannot appear more than once in the filter.',
    ])
    expect(await find([one('user'), one('ip')])).toEqual([
      42,
      'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.',
    ])
  })
})

describe('SCRAM credentials', () => {
  const upsertion = (name: string, mechanism = 1, iterations = 4096) => ({
    name,
    mechanism,
    iterations,
    salt: Buffer.from('salt'),
    saltedPassword: pbkdf2Sync('secret', 'salt', iterations, 32, 'sha256'),
  })

  async function alterUsers(
    upsertions: readonly ReturnType<typeof upsertion>[],
    deletions: readonly { name: string; mechanism: number }[] = [],
  ) {
    const { results } = await broker.ask(AlterUserScramCredentials, 0, { deletions, upsertions })
    return results.map(({ user, errorCode, errorMessage }) => [user, errorCode, errorMessage])
  }

  async function describeUsers(names: readonly string[] | null) {
    const users = names?.map((name) => ({ name })) ?? null
    const { results } = await broker.ask(DescribeUserScramCredentials, 0, { users })
    return results.map(({ user, errorCode, errorMessage, credentialInfos }) => [
      user,
      errorCode,
      errorMessage,
      credentialInfos.map(({ mechanism, iterations }) => [mechanism, iterations]),
    ])
  }

  test('the server keeps what RFC 5802 says, and never the salted password', async () => {
    const user = upsertion('alice')
    expect(await alterUsers([user])).toEqual([['alice', 0, null]])
    const stored = broker.metadata.image.scramCredentials.get(1)!.get('alice')!
    const key = (text: string) => createHmac('sha256', user.saltedPassword).update(text).digest()
    expect(stored.serverKey).toEqual(key('Server Key'))
    expect(stored.storedKey).toEqual(createHash('sha256').update(key('Client Key')).digest())
    expect(Object.keys(stored)).not.toContain('saltedPassword')
  })

  test('users are described by name or all together', async () => {
    await alterUsers([upsertion('alice'), upsertion('bob', 2, 8192)])
    await alterUsers([upsertion('alice', 2)])
    const alice = [
      'alice',
      0,
      '',
      [
        [1, 4096],
        [2, 4096],
      ],
    ]
    const bob = ['bob', 0, '', [[2, 8192]]]
    expect(await describeUsers(null)).toEqual([alice, bob])
    expect(await describeUsers([])).toEqual([alice, bob])
    expect(await describeUsers(['bob', 'nope', 'alice', 'alice'])).toEqual([
      bob,
      ['nope', 91, 'Attempt to describe a user credential that does not exist: nope', []],
      [
        'alice',
        92,
        'Cannot describe SCRAM credentials for the same user twice in a single request: alice',
        [],
      ],
    ])
  })

  test('the first error of a user stays, and what else is asked for the user is not done', async () => {
    const results = await alterUsers([upsertion('nobody')], [{ name: 'nobody', mechanism: 1 }])
    expect(results).toEqual([
      ['nobody', 91, 'Attempt to delete a user credential that does not exist'],
    ])
    expect(await describeUsers([])).toEqual([])
  })

  test('wrong ones are refused one by one', async () => {
    const results = await alterUsers(
      [
        upsertion('few', 1, 4095),
        upsertion('many', 1, 16_385),
        upsertion(''),
        upsertion('unknown', 0),
        upsertion('twice', 1),
        upsertion('twice', 2),
        upsertion('good'),
      ],
      [{ name: 'missing', mechanism: 1 }],
    )
    expect(results).toEqual([
      ['missing', 91, 'Attempt to delete a user credential that does not exist'],
      ['few', 93, 'Too few iterations'],
      ['many', 93, 'Too many iterations'],
      ['', 93, 'Username must not be empty'],
      ['unknown', 33, 'Unknown SCRAM mechanism'],
      ['twice', 92, 'A user credential cannot be altered twice in the same request'],
      ['good', 0, null],
    ])
    expect(await describeUsers(null)).toEqual([['good', 0, '', [[1, 4096]]]])
  })

  test('a deletion takes one mechanism away', async () => {
    await alterUsers([upsertion('alice')])
    expect(await alterUsers([], [{ name: 'alice', mechanism: 1 }])).toEqual([['alice', 0, null]])
    expect(await describeUsers(null)).toEqual([])
  })
})
