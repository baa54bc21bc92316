import { jest } from '@jest/globals';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { everyOrder, type Run } from './source-ownership-scheduler.js';
import { type Request, World } from './source-ownership-world.js';

const S = '00000000-0000-4000-8000-000000000001';
const T = '00000000-0000-4000-8000-000000000002';
const U = '00000000-0000-4000-8000-000000000003';
const SOURCES = [S, T, U];

const create = (id: string, sourceId?: string, key?: string): Request => ({
  kind: 'create',
  id,
  ...(sourceId !== undefined && { sourceId }),
  ...(key !== undefined && { key }),
});
const attach = (id: string, sourceId = S, more: { key?: string; ifMatch?: number } = {}): Request => ({
  kind: 'attach',
  id,
  sourceId,
  ...more,
});
const detach = (id: string, sourceId = S): Request => ({ kind: 'detach', id, sourceId });
const remove = (id: string): Request => ({ kind: 'delete', id });
const erase = (id: string): Request => ({ kind: 'erase', id });
const disable = (id: string): Request => ({ kind: 'update', id, enabled: false });
const settle = (sourceId = S): Request => ({ kind: 'settle', sourceId });

interface Race {
  readonly name: string;
  /** Done before, one after the other. */
  readonly before: readonly Request[];
  /** What each client does, one request after the other. */
  readonly clients: readonly (readonly Request[])[];
  /**
   * Whose request may also be refused as if it had come at no time at all: the source is promised to a creation that is
   * itself refused in the end.
   */
  readonly refusedForNothing?: number;
}

const RACES: readonly Race[] = [
  {
    name: 'two customers attach a source',
    before: [create('a'), create('b')],
    clients: [[attach('a')], [attach('b')]],
  },
  {
    name: 'three customers attach a source',
    before: [create('a'), create('b'), create('c')],
    clients: [[attach('a')], [attach('b')], [attach('c')]],
  },
  {
    name: 'one attaches a source while its owner is deleted',
    before: [create('a'), create('b'), attach('a')],
    clients: [[remove('a')], [attach('b')]],
  },
  {
    name: 'one attaches a source while its owner is erased',
    before: [create('a'), create('b'), attach('a')],
    clients: [[erase('a')], [attach('b')]],
  },
  {
    name: 'a customer is deleted while it attaches a source that another attaches next',
    before: [create('a'), create('b')],
    clients: [[attach('a')], [remove('a'), attach('b')]],
  },
  {
    name: 'a customer is erased while it attaches a source that another attaches too',
    before: [create('a'), create('b')],
    clients: [[attach('a')], [erase('a')], [attach('b')]],
  },
  {
    name: 'a customer is deleted and created anew with the source while its attachment is under way',
    before: [create('a')],
    clients: [[attach('a')], [remove('a'), create('a', S)]],
  },
  {
    name: 'a customer is created with a source that another attaches',
    before: [create('a')],
    clients: [[create('c', S)], [attach('a')]],
  },
  {
    name: 'two create the same customer with different sources',
    before: [],
    clients: [[create('c', S)], [create('c', T)]],
  },
  {
    name: 'two create the same customer with the same source, and one of them repeats itself',
    before: [],
    clients: [[create('c', S, 'k')], [create('c', S, 'k')], [create('c', S)]],
  },
  {
    name: 'two create the same customer with different sources, one of which another customer attaches',
    before: [create('a')],
    clients: [[create('c', S)], [create('c', T)], [attach('a')]],
    refusedForNothing: 2,
  },
  {
    name: 'a customer is created with a source, and without one and deleted, while another attaches the source',
    before: [create('a')],
    clients: [[create('c', S)], [create('c'), remove('c')], [attach('a')]],
    refusedForNothing: 2,
  },
  {
    name: 'a creation is refused while its own customer attaches the source of the refused one',
    before: [],
    clients: [[create('c', S)], [create('c'), attach('c')], [settle()]],
  },
  {
    name: 'a source is detached while another attaches it',
    before: [create('a'), create('b'), attach('a')],
    clients: [[detach('a')], [attach('b')]],
  },
  {
    name: 'a source is attached, detached and attached elsewhere',
    before: [create('a'), create('b')],
    clients: [[attach('a')], [detach('a')], [attach('b')]],
  },
  {
    name: 'an attachment on condition meets an update and another attachment',
    before: [create('a'), create('b')],
    clients: [[attach('a', S, { ifMatch: 0 })], [disable('a')], [attach('b')]],
  },
  {
    name: 'one attachment is sent twice under the same key while another attaches the source',
    before: [create('a'), create('b')],
    clients: [[attach('a', S, { key: 'k' })], [attach('a', S, { key: 'k' })], [attach('b')]],
  },
  {
    name: 'two sources are attached under the same key, one of which another customer attaches',
    before: [create('a'), create('b')],
    clients: [[attach('a', S, { key: 'k' })], [attach('a', T, { key: 'k' })], [attach('b', T)]],
  },
  {
    name: 'two sources are attached under the same key, one of them under another key too',
    before: [create('a')],
    clients: [
      [attach('a', S, { key: 'k' })],
      [attach('a', T, { key: 'k' })],
      [attach('a', T, { key: 'l' })],
      [settle(T)],
    ],
  },
  {
    name: 'a source is attached again after a refusal for its key, while another attaches it',
    before: [create('a'), create('b')],
    clients: [
      [attach('a', S, { key: 'k' })],
      [attach('a', T, { key: 'k' }), attach('a', T, { key: 'l' })],
      [attach('b', T)],
    ],
  },
  {
    name: 'one source is attached under two keys that are used for others too',
    before: [create('a')],
    clients: [
      [attach('a', S, { key: 'k' }), attach('a', U, { key: 'l' })],
      [attach('a', T, { key: 'k' }), attach('a', T, { key: 'l' })],
    ],
  },
  {
    name: 'the follower settles a source while it is attached and its customer deleted',
    before: [create('a')],
    clients: [[attach('a')], [remove('a')], [settle()]],
  },
];

/** What came of it: which requests took effect, and where each source is in the end. */
type Outcome = string;

async function start(race: Race): Promise<World> {
  const world = new World();
  for (const request of race.before) expect(await world.request(request)).toBe('ok');
  return world;
}

/** The outcomes of the same requests made one after the other, in every order that keeps each client's own. */
async function outcomesInTurn(race: Race): Promise<ReadonlySet<Outcome>> {
  const outcomes = new Set<Outcome>();
  const lengths = race.clients.map((requests) => requests.length);
  const unheard = lengths.map((length, at) => (at === race.refusedForNothing ? 0 : length));
  for (const order of [...merges(lengths), ...merges(unheard)]) {
    const world = await start(race);
    const answers: string[][] = race.clients.map(() => []);
    for (const client of order) {
      const request = race.clients[client]?.[answers[client]?.length ?? 0];
      if (request !== undefined) answers[client]?.push(await world.request(request));
    }
    if (!order.includes(race.refusedForNothing ?? 0)) answers[race.refusedForNothing ?? 0]?.push('refused');
    outcomes.add(await outcomeOf(world, answers));
  }
  return outcomes;
}

function merges(left: readonly number[]): readonly (readonly number[])[] {
  if (left.every((count) => count === 0)) return [[]];
  return left.flatMap((count, client) => {
    const rest = left.map((other, at) => (at === client ? other - 1 : other));
    return count === 0 ? [] : merges(rest).map((order) => [client, ...order]);
  });
}

/** Which of two reasons a refusal gives may depend on two moments, so it does not count. */
async function outcomeOf(world: World, answers: readonly (readonly string[])[]): Promise<Outcome> {
  await world.follow();
  const sources = SOURCES.map((source) => {
    const holders = world.holdersOf(source);
    const ownership = world.ownershipOf(source);
    const [holder] = holders;
    if (holder !== undefined) expect(ownership).toMatch(new RegExp(`^of ${holder} in life`));
    else expect(ownership).not.toMatch(/^of/);
    return holder ?? ownership;
  });
  return JSON.stringify({ answers, sources });
}

/** Of two clients' calls every order, of more a random choice; the long run takes them all. */
const most = ({ clients }: Race): number => scale(clients.length > 2 ? 600 : 2_000, 100_000);

/** Mulberry32: the same numbers for the same seed. */
function randomFrom(first: number): () => number {
  let state = first;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function startClients(race: Race, world: World): readonly (readonly string[])[] {
  const answers: string[][] = race.clients.map(() => []);
  for (const [at, requests] of race.clients.entries()) {
    world.scheduler.start(String(at), async () => {
      for (const request of requests) answers[at]?.push(await world.request(request));
    });
  }
  return answers;
}

describe('A source has one owner', () => {
  // Jitter only spreads out in time what happens in every order here.
  beforeEach(() => void jest.spyOn(Math, 'random').mockReturnValue(0));
  afterEach(() => jest.restoreAllMocks());

  test.each(RACES)(
    'when $name, whatever pauses lie between the steps',
    async (race) => {
      const inTurn = await outcomesInTurn(race);
      const met = new Set<Outcome>();
      const random = randomFrom(seed());
      const begin = async (): Promise<Run> => {
        const world = await start(race);
        const answers = startClients(race, world);
        return {
          scheduler: world.scheduler,
          fingerprint: () => world.fingerprint,
          check: () => {
            for (const source of SOURCES) expect(world.holdersOf(source).length).toBeLessThanOrEqual(1);
          },
          finish: async () => void met.add(await outcomeOf(world, answers)),
        };
      };
      expect(await everyOrder(begin, most(race), random)).toBeGreaterThan(20);
      expect([...inTurn]).toEqual(expect.arrayContaining([...met]));
    },
    scale(60_000, 3_600_000),
  );
});
