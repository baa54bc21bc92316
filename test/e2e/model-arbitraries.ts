/* eslint-disable @typescript-eslint/no-shadow -- arbitraries are named after what they make */
import fc from 'fast-check';
import {
  type Body,
  type IfMatch,
  ITS_OWN,
  type ListQuery,
  type Request,
  SOURCES,
  type Step,
  UNKNOWN_SOURCE,
} from './model-commands.js';

/** Few values of everything, so that requests meet: repeats, changeless updates, conflicts and races come by themselves. */
const OWN_IDS = ['ann', 'B.o-b', 'c_3'] as const;

const id = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...OWN_IDS) },
  { weight: 8, arbitrary: fc.nat(3).map((n) => `#${String(n)}`) },
  { weight: 1, arbitrary: fc.constant('never-made') },
);

const CHARGEABLE = [...SOURCES]
  .filter(([, { state, reusable }]) => state === 'chargeable' && reusable)
  .map(([id]) => id);

const attached = fc.nat(1).map((n) => `attached ${String(n)}`);

const sourceId = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...CHARGEABLE) },
  { weight: 3, arbitrary: attached },
  { weight: 1, arbitrary: fc.constantFrom(...SOURCES.keys(), UNKNOWN_SOURCE) },
);

const reason = fc.constantFrom(undefined, undefined, 'import', 'support_call; asked by phone');
const key = fc.option(fc.constantFrom('k1', 'k2', 'k3'), { nil: undefined });

const ifMatch = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom<IfMatch>('current', 'current', 'stale', 'foreign', 'any') },
);

interface Field {
  readonly name: string;
  readonly value: unknown;
  readonly faults: readonly string[];
}

const field = (name: string, value: unknown, ...faults: readonly string[]): Field => ({ name, value, faults });
const invalid = (name: string, value: unknown): Field => field(name, value, `invalid_parameter ${name}`);

const some = (prefix: string, count: number): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${String(n)}`, n]));

const certificate = (fileId: string) => ({
  companyName: 'Ann & Sons',
  taxAuthority: 'Ohio',
  startDate: '2026-01-01',
  endDate: '2027-01-01',
  fileId,
});
const { fileId: _, ...withoutFile } = certificate('f');

const METADATA: readonly (Record<string, unknown> | null)[] = [
  null,
  {},
  { a: 'x' },
  { a: '' },
  { a: '1', b: 1 },
  { b: '1' },
  { b: '', c: '' },
  { c: { deep: [1, 'ü', { more: true }] } },
  { c: false, d: '😀' },
  some('few', 12),
  some('more', 12),
];

const GOOD: readonly Field[] = [
  ...['ann@example.com', 'Ann@Example.com', 'bob@example.com', null].map((value) => field('email', value)),
  ...['en_US', 'de_AT', null].map((value) => field('locale', value)),
  ...['business', 'individual'].map((value) => field('type', value)),
  ...[true, false].map((value) => field('enabled', value)),
  ...[
    null,
    { name: 'Ann' },
    { name: 'Ann', phone: '+43 1', email: 'ann@example.com', organization: 'Ann & Sons' },
    { address: { country: 'AT', line1: 'Ring 1', line2: '2', city: 'Wien', postalCode: '1010', state: 'W' } },
    { additionalAddressInfo: { neighborhood: 'n', division: 'd', phoneticName: 'p' }, name: 'Bob' },
  ].map((value) => field('shipping', value)),
  ...['f1', 'f2'].map((file) => field('taxCertificate', certificate(file))),
  ...METADATA.map((value) => field('metadata', value)),
];

const BAD: readonly Field[] = [
  invalid('email', 'ann at example.com'),
  invalid('email', 7),
  invalid('locale', 'en_XX'),
  invalid('locale', 'xx_US'),
  invalid('type', 'robot'),
  invalid('type', null),
  invalid('enabled', null),
  invalid('enabled', 'true'),
  invalid('shipping', 'home'),
  field('shipping', { address: { city: 'Wien' } }, 'missing_parameter shipping.address.country'),
  field('shipping', { planet: 'Earth' }, 'unknown_parameter shipping.planet'),
  field('taxCertificate', withoutFile, 'missing_parameter taxCertificate.fileId'),
  field('metadata', some('many', 21), 'too_many_metadata_pairs metadata'),
  field('metadata', { [`k${'y'.repeat(40)}`]: 1 }, 'invalid_metadata_key metadata'),
  field('metadata', { a: 'z'.repeat(501) }, 'invalid_metadata_value metadata'),
  invalid('metadata', [{}]),
  field('nickname', 'A', 'unknown_parameter nickname'),
];

/** What an update passes over and a create does not know. */
const READ_ONLY = ['sources', 'taxCertificates', 'createdTime', 'updatedTime', 'liveMode'] as const;

const defaultSource = fc.oneof(sourceId, fc.constant(null)).map((value) => field('defaultSourceId', value));

function bodyOf(extraGood: fc.Arbitrary<Field>, extraBad: fc.Arbitrary<Field>): fc.Arbitrary<Body> {
  const fields = fc.oneof(
    { weight: 40, arbitrary: fc.constantFrom(...GOOD) },
    { weight: 8, arbitrary: extraGood },
    { weight: 1, arbitrary: fc.constantFrom(...BAD) },
    { weight: 1, arbitrary: extraBad },
  );
  return fc.uniqueArray(fields, { maxLength: 4, selector: ({ name }) => name }).map((list) => ({
    fields: Object.fromEntries(list.map(({ name, value }) => [name, value])),
    faults: list.flatMap(({ faults }) => faults),
  }));
}

const createBody = bodyOf(
  defaultSource,
  fc.constantFrom(...READ_ONLY, 'requestToBeForgotten').map((name) => field(name, true, `unknown_parameter ${name}`)),
);

const updateBody = bodyOf(
  fc.oneof(
    defaultSource,
    fc.constantFrom(true, true, false).map((value) => field('requestToBeForgotten', value)),
    fc.constant(field('id', ITS_OWN)),
    fc.constantFrom(...READ_ONLY).map((name) => field(name, 'as it was read')),
  ),
  fc.constantFrom(invalid('id', 'another'), invalid('requestToBeForgotten', null)),
);

const DAY_MS = 86_400_000;

const times = fc.constantFrom(0, 1, 2, 5, 1000, 1001, 2000, 6000);
const FORGET: Body = { fields: { requestToBeForgotten: true }, faults: [] };

const bound = fc.record({ operator: fc.constantFrom('eq', 'gt', 'gte', 'lt', 'lte'), at: times });

const listQuery: fc.Arbitrary<ListQuery> = fc.record(
  {
    limit: fc.constantFrom(1, 2, 3, 100),
    startingAfter: id,
    endingBefore: id,
    email: fc.constantFrom('ANN@example.com', 'bob@example.com', 'nobody@example.com'),
    ids: fc.array(id, { minLength: 1, maxLength: 3 }),
    requestToBeForgotten: fc.boolean(),
    createdTime: bound,
    updatedTime: bound,
  },
  { requiredKeys: [] },
);

const create = fc.record({
  kind: fc.constant('create'),
  id: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...OWN_IDS) }, { weight: 1, arbitrary: fc.constant(undefined) }),
  body: createBody,
  key,
  reason,
});
const update = fc.record({ kind: fc.constant('update'), id, body: updateBody, key, ifMatch, reason });
const remove = fc.record({ kind: fc.constant('delete'), id, ifMatch, reason });
const attach = fc.record({ kind: fc.constant('attach'), id, sourceId, key, ifMatch, reason });
const detach = fc.record({
  kind: fc.constant('detach'),
  id,
  sourceId: fc.oneof(attached, attached, sourceId),
  ifMatch,
  reason,
});
const forget = fc.record({ kind: fc.constant('update'), id, body: fc.constant(FORGET), key, ifMatch, reason });
const get = fc.record({ kind: fc.constant('get'), id });
const list = fc.record({ kind: fc.constant('list'), query: listQuery });
/** The same again, or another one under the same key. */
const again = fc.record({
  kind: fc.constant('again'),
  back: fc.nat(2),
  body: fc.option(updateBody, { nil: undefined, freq: 3 }),
});

const request: fc.Arbitrary<Request> = fc.oneof(
  { weight: 9, arbitrary: create },
  { weight: 16, arbitrary: update },
  { weight: 2, arbitrary: forget },
  { weight: 2, arbitrary: remove },
  { weight: 14, arbitrary: attach },
  { weight: 5, arbitrary: detach },
  { weight: 5, arbitrary: again },
  { weight: 2, arbitrary: get },
  { weight: 3, arbitrary: list },
);

/** So that they get into each other's way: all of one customer or two, and of one source or two. */
const contending = fc
  .record({
    requests: fc.array(request, { minLength: 2, maxLength: 4 }),
    ids: fc.array(fc.constantFrom(...OWN_IDS), { minLength: 1, maxLength: 2 }),
    sources: fc.array(fc.constantFrom(...CHARGEABLE), { minLength: 1, maxLength: 2 }),
  })
  .map(({ requests, ids, sources }) =>
    requests.map((request, at): Request => {
      const id = ids[at % ids.length];
      const source = sources[at % sources.length];
      if (id === undefined || source === undefined || !('id' in request) || request.id === undefined) return request;
      return 'sourceId' in request ? { ...request, id, sourceId: source } : { ...request, id };
    }),
  );

const one = request.map((request): Step => ({ kind: 'one', request }));
const atOnce = contending.map((requests): Step => ({ kind: 'at_once', requests }));
const timePasses = fc
  .constantFrom(1, 2, 1000, 6000, 27 * DAY_MS, 28 * DAY_MS, 28 * DAY_MS)
  .map((ms): Step => ({ kind: 'time_passes', ms }));
const dueErasures = fc.constantFrom<Step>({ kind: 'due_erasures' });

const step = fc.oneof(
  { weight: 20, arbitrary: one },
  { weight: 8, arbitrary: atOnce },
  { weight: 5, arbitrary: timePasses },
  { weight: 3, arbitrary: dueErasures },
);

/** Begins with customers to work on, else most requests would find none. */
export const steps: fc.Arbitrary<readonly Step[]> = fc
  .record({
    ids: fc.subarray([...OWN_IDS], { minLength: 1 }),
    bodies: fc.array(createBody, { minLength: OWN_IDS.length, maxLength: OWN_IDS.length }),
    rest: fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }),
  })
  .map(({ ids, bodies, rest }) => [...ids.map((id, at) => creation(id, bodies[at])), ...rest]);

const creation = (id: string, body: Body = { fields: {}, faults: [] }): Step => ({
  kind: 'one',
  request: { kind: 'create', id, body: body.faults.length > 0 ? { fields: {}, faults: [] } : body },
});
