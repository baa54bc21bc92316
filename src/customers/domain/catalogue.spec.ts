import type { CustomerChanges } from './changes.js';
import { decide } from './decide.js';
import { EVENTS } from './events.js';
import { evolve } from './evolve.js';
import { PERSONAL_FIELDS, SETTABLE, SETTABLE_FIELDS, type SettableField, type Values } from './fields.js';
import { type CustomerState, noCustomer } from './state.js';

const AT = '2026-01-01T00:00:00.000Z';
/** Two values of each field that a create or an update sets. */
const SAMPLES: { readonly [F in SettableField]: readonly [Values[F], Values[F]] } = {
  email: ['a@b.example', 'c@d.example'],
  locale: ['en_US', 'de_DE'],
  type: ['business', 'individual'],
  enabled: [true, false],
  shipping: [{ name: 'A' }, { name: 'B' }],
  metadata: [{ a: 1 }, { a: 2 }],
};

const after = (state: CustomerState, command: Parameters<typeof decide>[0]): CustomerState =>
  decide(command, state).reduce<CustomerState>((before, event) => evolve(before, event, AT), state);
const create = (changes: CustomerChanges): CustomerState => after(noCustomer, { kind: 'create', id: 'c', changes });
const update = (state: CustomerState, changes: CustomerChanges): CustomerState =>
  after(state, { kind: 'update', id: 'c', changes });

describe.each(SETTABLE_FIELDS)('the field %s', (field) => {
  const [first, second] = SAMPLES[field];

  it('is set by a create and changed by an update', () => {
    const created = create({ [field]: first });
    expect(created).toHaveProperty(field, first);
    expect(update(created, { [field]: second })).toHaveProperty(field, second);
    expect(decide({ kind: 'update', id: 'c', changes: { [field]: first } }, created)).toEqual([]);
  });

  it('is cleared by null if it can be, and else left as it is', () => {
    const created = create({ [field]: first });
    const cleared = update(created, { [field]: null });
    if (SETTABLE[field].cleared === undefined) expect(cleared).toEqual(created);
    else expect(cleared).not.toHaveProperty(field);
  });

  it('is told to other services by its creation and by its change', () => {
    const events = decide({ kind: 'update', id: 'c', changes: { [field]: second } }, create({ [field]: first }));
    expect(events.map(({ type }) => EVENTS[type].tells)).toEqual([[field]]);
    expect(EVENTS.CustomerCreated.tells).toContain(field);
  });
});

it('an event that carries a personal value has it under the name of a personal field', () => {
  const personal = Object.values(EVENTS).flatMap(({ shape }) =>
    Object.entries<string>(shape).flatMap(([name, kind]) => (kind.startsWith('personal') ? [name] : [])),
  );
  expect([...new Set(personal)].sort()).toEqual([...PERSONAL_FIELDS].sort());
});
