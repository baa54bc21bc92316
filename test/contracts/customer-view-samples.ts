import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { CustomerView } from '../../src/customers/read-model/customer-view.js';
import type { Cursor, ListFilter, TimeRange } from '../../src/customers/read-model/customer-views.js';

const START = Date.UTC(2026, 0, 1, 12, 0, 0, 998);

/** The n-th of a few successive milliseconds, across the turn of a second. */
export const timeAt = (n: number): string => new Date(START + n).toISOString();

export const aView = (fields: Partial<CustomerView> = {}): CustomerView => ({
  id: randomUUID(),
  version: 0,
  status: 'active',
  life: 1,
  listed: true,
  createdTime: timeAt(0),
  updatedTime: timeAt(0),
  enabled: true,
  requestToBeForgotten: false,
  sources: [],
  taxCertificates: [],
  ...fields,
});

// Few values each, so that ties and matches are the rule.
const MOMENTS = 6;
const moment = fc.integer({ min: 0, max: MOMENTS - 1 });
const emailIndex = fc.constantFrom('h1', 'h2', 'h3');
const id = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '_', '.', '-', 'b'), minLength: 1, maxLength: 3 });

export const populations: fc.Arbitrary<CustomerView[]> = fc.uniqueArray(
  fc
    .record({
      id,
      created: moment,
      later: moment,
      listed: fc.boolean().chain((likely) => (likely ? fc.constant(true) : fc.boolean())),
      requestToBeForgotten: fc.boolean(),
      emailIndex: fc.option(emailIndex, { nil: undefined }),
    })
    .map(({ created, later, emailIndex: index, ...fields }) =>
      aView({
        ...fields,
        createdTime: timeAt(created),
        updatedTime: timeAt(created + later),
        ...(index !== undefined && { emailIndex: index }),
      }),
    ),
  { selector: (view) => view.id, maxLength: 40 },
);

/** Also between and beyond the moments there are. */
const bound = fc.integer({ min: -2, max: MOMENTS * 4 }).map((half) => START + half / 2);
const range: fc.Arbitrary<TimeRange> = fc.record(
  { eq: bound, gt: bound, gte: bound, lt: bound, lte: bound },
  { requiredKeys: [] },
);
const oneSided: fc.Arbitrary<TimeRange> = fc
  .tuple(fc.constantFrom('eq', 'gt', 'gte', 'lt', 'lte'), bound)
  .map(([operator, at]) => ({ [operator]: at }));

export const filters: fc.Arbitrary<ListFilter> = fc.record(
  {
    emailIndex: fc.oneof(emailIndex, fc.tuple(emailIndex, emailIndex)),
    ids: fc.array(id, { maxLength: 30 }),
    requestToBeForgotten: fc.boolean(),
    createdTime: fc.oneof(oneSided, range),
    updatedTime: fc.oneof(oneSided, range),
  },
  { requiredKeys: [] },
);

export const cursorAt: fc.Arbitrary<Cursor | undefined> = fc.option(
  fc.record({
    direction: fc.constantFrom('after' as const, 'before' as const),
    createdTime: moment.map(timeAt),
    id,
  }),
  { nil: undefined },
);
