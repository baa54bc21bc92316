import { randomUUID } from 'node:crypto';
import type { Answer } from '../support/http-call.js';
import { ContractApp, type Fault } from './contract-errors-app.js';

type Body = Readonly<Record<string, unknown>>;
type Customer = Record<string, unknown> & { id: string; updatedTime: string };

const ADDRESS = { country: 'US', line1: '1 Main St', line2: 'B', city: 'Springfield', postalCode: '1', state: 'CA' };
const SHIPPING = {
  name: 'Jane',
  phone: '+1 650 555 0100',
  email: 'jane@example.com',
  organization: 'Example',
  address: ADDRESS,
  additionalAddressInfo: { neighborhood: 'N', division: 'D', phoneticName: 'P' },
};
const CERTIFICATE = {
  companyName: 'Example Inc.',
  taxAuthority: 'California',
  startDate: '2026-01-01',
  endDate: '2028-12-31',
  fileId: 'f1',
};
const pairs = (count: number, from = 0): Body =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index + from}`, index]));

let app: ContractApp;
let id: string;
beforeAll(async () => {
  app = await ContractApp.start();
});
beforeEach(async () => {
  app.clock.advance(1_000);
  id = await app.created();
});
afterAll(() => app.close());

const create = (body: Body): Promise<Answer> => app.call({ method: 'POST', path: '/customers', body });
const update = (body: Body): Promise<Answer> => app.call({ method: 'POST', path: `/customers/${id}`, body });
const read = async (): Promise<Customer> => (await app.call({ path: `/customers/${id}` })).json<Customer>();

async function bothRefuse(body: Body, ...faults: readonly Fault[]): Promise<void> {
  await app.refused({ method: 'POST', path: '/customers', body }, 400, ...faults);
  await app.refused({ method: 'POST', path: `/customers/${id}`, body }, 400, ...faults);
}

async function bothTake(body: Body, shown: Body): Promise<void> {
  const created = await create(body);
  expect([created.status, created.json()]).toEqual([201, expect.objectContaining(shown)]);
  const updated = await update(body);
  expect([updated.status, updated.json()]).toEqual([200, expect.objectContaining(shown)]);
  expect(await read()).toEqual(updated.json());
}

describe('a new customer', () => {
  it('needs no field, and no body at all', async () => {
    const answer = await app.call({ method: 'POST', path: '/customers' });
    const customer = answer.json<Customer>();
    expect(answer.status).toBe(201);
    expect(customer).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/) as string,
      enabled: true,
      requestToBeForgotten: false,
      taxCertificates: [],
      sources: [],
      createdTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      updatedTime: customer['createdTime'],
      liveMode: false,
    });
    expect(answer.headers['location']).toBe(`/customers/${customer.id}`);
  });

  it.each(['A', 'x'.repeat(40), 'a.b_c-d', '...', '.a', '-', '0'])('can have the id %j', async (wanted) => {
    expect((await create({ id: wanted })).json()).toMatchObject({ id: wanted });
    expect((await app.call({ path: `/customers/${wanted.replaceAll('.', '%2e')}` })).json()).toMatchObject({
      id: wanted,
    });
  });

  it.each(['', 'x'.repeat(41), '.', '..', 'a b', 'a@b', 'a/b', 'ä', 'a\n', 'a%41', 5, true, null, [], ['a'], {}])(
    'can not have the id %j',
    async (wanted) => {
      await app.refused({ method: 'POST', path: '/customers', body: { id: wanted } }, 400, ['invalid_parameter', 'id']);
    },
  );

  it.each([
    ['requestToBeForgotten', true],
    ['requestToBeForgotten', false],
    ['taxCertificates', []],
    ['sources', []],
    ['createdTime', '2026-01-01T00:00:00Z'],
    ['updatedTime', '2026-01-01T00:00:00Z'],
    ['liveMode', false],
  ])('can not be given %s (%j)', async (name, value) => {
    await app.refused({ method: 'POST', path: '/customers', body: { [name]: value } }, 400, [
      'unknown_parameter',
      name,
    ]);
  });

  it('takes null for a field that can be cleared as the field left out', async () => {
    const nothing = { email: null, locale: null, shipping: null, metadata: null, defaultSourceId: null };
    const answer = await create(nothing);
    expect(answer.status).toBe(201);
    expect(Object.keys(nothing).filter((name) => name in answer.json<object>())).toEqual([]);
  });

  it('can share its address with another', async () => {
    for (let i = 0; i < 2; i++) expect((await create({ email: 'shared@example.com' })).status).toBe(201);
  });

  it('attaches its default source in the same step', async () => {
    const sourceId = randomUUID();
    expect((await create({ defaultSourceId: sourceId })).json()).toMatchObject({
      defaultSourceId: sourceId,
      sources: [{ id: sourceId, state: 'chargeable', reusable: true }],
    });
  });
});

describe('each field by its rule, on create and update:', () => {
  it.each([
    { email: 'jane@example.com' },
    { email: 'JANE.DOE+tag@sub.example.co.uk' },
    { locale: 'en_US' },
    { locale: 'pt_BR' },
    { type: 'business' },
    { type: 'individual' },
    { enabled: false },
    { shipping: SHIPPING },
    { shipping: {} },
    { shipping: { address: { country: 'US' } } },
    { metadata: { text: '5', number: 5, flag: true, none: null, list: [1, { a: 1 }], object: { a: [] } } },
    { metadata: pairs(20) },
    { metadata: { ['k'.repeat(40)]: 'v'.repeat(500) } },
    { metadata: { a: ['v'.repeat(496)] } },
  ])('%j is taken and shown', async (body) => {
    await bothTake(body, body);
  });

  it.each([
    [
      'email',
      ['', 'jane', '@example.com', 'a@', 'a b@example.com', 'a@b@example.com', `${'x'.repeat(250)}@example.com`],
    ],
    ['locale', ['', 'C', 'POSIX', 'US', '_US', 'xx', 'xx_US', 'en_XX', 'en_USA', 'english', ' en_US', 'en_US ']],
    ['type', ['', 'person', 'Business', ' business', null]],
    ['enabled', ['true', '', 0, 1, null]],
    ['defaultSourceId', ['', '1', 'x'.repeat(36), `${randomUUID()} `]],
    ['shipping', ['x', '']],
    ['taxCertificate', ['x', null]],
    ['metadata', ['x', '']],
  ])('%s is none of %j', async (name, values) => {
    const wrongTypes = {
      enabled: [{}, []],
      shipping: [5, true, ['x']],
      taxCertificate: [5, true, ['x']],
      metadata: [5, true, ['x']],
    };
    const others = Object.entries(wrongTypes).find(([field]) => field === name)?.[1] ?? [5, true, [], {}, ['en_US']];
    for (const value of [...values, ...others]) await bothRefuse({ [name]: value }, ['invalid_parameter', name]);
  });

  it('shipping names what is wrong in it by its path', async () => {
    await bothRefuse({ shipping: { address: {} } }, ['missing_parameter', 'shipping.address.country']);
    await bothRefuse({ shipping: { address: { country: null } } }, ['missing_parameter', 'shipping.address.country']);
    await bothRefuse({ shipping: { fax: 1 } }, ['unknown_parameter', 'shipping.fax']);
    await bothRefuse({ shipping: { email: 'x' } }, ['invalid_parameter', 'shipping.email']);
    for (const name of ['name', 'phone', 'organization']) {
      await bothRefuse({ shipping: { [name]: 5 } }, ['invalid_parameter', `shipping.${name}`]);
    }
    for (const name of ['line1', 'line2', 'city', 'postalCode', 'state', 'country']) {
      const body = { shipping: { address: { ...ADDRESS, [name]: {} } } };
      await bothRefuse(body, ['invalid_parameter', `shipping.address.${name}`]);
    }
    for (const name of ['neighborhood', 'division', 'phoneticName']) {
      const path = `shipping.additionalAddressInfo.${name}`;
      await bothRefuse({ shipping: { additionalAddressInfo: { [name]: [] } } }, ['invalid_parameter', path]);
    }
    for (const name of ['address', 'additionalAddressInfo']) {
      for (const value of ['x', 5, ['x'], true]) {
        await bothRefuse({ shipping: { [name]: value } }, ['invalid_parameter', `shipping.${name}`]);
      }
    }
    const more = { shipping: { additionalAddressInfo: { x: 1 }, address: { country: 'US', x: 1 } } };
    await bothRefuse(
      more,
      ['unknown_parameter', 'shipping.additionalAddressInfo.x'],
      ['unknown_parameter', 'shipping.address.x'],
    );
  });

  it('a tax certificate needs each of its fields, joins the list, and is never shown under its own name', async () => {
    for (const name of Object.keys(CERTIFICATE)) {
      const path = `taxCertificate.${name}`;
      await bothRefuse({ taxCertificate: { ...CERTIFICATE, [name]: undefined } }, ['missing_parameter', path]);
      await bothRefuse({ taxCertificate: { ...CERTIFICATE, [name]: null } }, ['missing_parameter', path]);
      await bothRefuse({ taxCertificate: { ...CERTIFICATE, [name]: 5 } }, ['invalid_parameter', path]);
    }
    await bothRefuse({ taxCertificate: { ...CERTIFICATE, x: 1 } }, ['unknown_parameter', 'taxCertificate.x']);
    await bothRefuse(
      { taxCertificate: {} },
      ...Object.keys(CERTIFICATE).map((name) => ['missing_parameter', `taxCertificate.${name}`] as const),
    );
    await bothTake({ taxCertificate: CERTIFICATE }, { taxCertificates: [CERTIFICATE] });
    const second = { ...CERTIFICATE, fileId: 'f2' };
    const answer = (await update({ taxCertificate: second })).json<Customer>();
    expect(answer['taxCertificates']).toEqual([CERTIFICATE, second]);
    expect(answer).not.toHaveProperty('taxCertificate');
  });

  it('metadata has bounds on its pairs, keys and values', async () => {
    await bothRefuse({ metadata: pairs(21) }, ['too_many_metadata_pairs', 'metadata']);
    await bothRefuse({ metadata: { ['k'.repeat(41)]: 1 } }, ['invalid_metadata_key', 'metadata']);
    for (const value of [
      'v'.repeat(501),
      ['v'.repeat(497)],
      { a: 'v'.repeat(493) },
      Array.from({ length: 251 }, () => 1),
    ]) {
      await bothRefuse({ metadata: { k: value } }, ['invalid_metadata_value', 'metadata']);
    }
  });
});

describe('an update', () => {
  it.each([
    [{ requestToBeForgotten: 'true' }, 'requestToBeForgotten'],
    [{ requestToBeForgotten: 1 }, 'requestToBeForgotten'],
    [{ requestToBeForgotten: null }, 'requestToBeForgotten'],
    [{ requestToBeForgotten: {} }, 'requestToBeForgotten'],
    [{ id: 'another' }, 'id'],
    [{ id: null }, 'id'],
    [{ id: 5 }, 'id'],
    [{ defaultSourceId: randomUUID() }, 'defaultSourceId'],
  ])('refuses %j', async (body, parameter) => {
    await app.refused({ method: 'POST', path: `/customers/${id}`, body }, 400, ['invalid_parameter', parameter]);
  });

  it('passes over the fields that are only read, whatever they hold, and the id of the path', async () => {
    const before = await read();
    const body = { id, taxCertificates: 'x', sources: [{ id: 1 }], createdTime: 5, updatedTime: null, liveMode: 'yes' };
    expect((await update(body)).json()).toEqual(before);
  });

  it('clears with null what can be cleared, and keeps what it does not name', async () => {
    const sourceId = await app.attached(id);
    const full = {
      email: 'a@example.com',
      locale: 'en_US',
      shipping: SHIPPING,
      metadata: { a: 1 },
      type: 'business',
      enabled: false,
    };
    const before = (await update(full)).json<Customer>();
    expect(before).toMatchObject({ ...full, defaultSourceId: sourceId });
    for (const name of ['email', 'locale', 'shipping', 'metadata', 'defaultSourceId']) {
      const after = (await update({ [name]: null })).json<Customer>();
      delete before[name];
      expect({ ...after, updatedTime: '' }).toEqual({ ...before, updatedTime: '' });
      expect(await read()).toEqual(after);
    }
  });

  it('replaces shipping whole, and merges metadata key by key', async () => {
    await update({ shipping: SHIPPING, metadata: { a: '1', b: 2, c: { d: 1 } } });
    const after = (
      await update({ shipping: { name: 'New' }, metadata: { a: '', b: '2', c: { e: 1 }, f: null } })
    ).json<Customer>();
    expect(after['shipping']).toEqual({ name: 'New' });
    expect(after['metadata']).toEqual({ b: '2', c: { e: 1 }, f: null });
  });

  it('is refused when the merged metadata would have too many pairs, and not when some are removed with it', async () => {
    await update({ metadata: pairs(20) });
    const call = { method: 'POST', path: `/customers/${id}`, body: { metadata: { another: 1 } } };
    await app.refused(call, 400, ['too_many_metadata_pairs', 'metadata']);
    expect((await update({ metadata: { another: 1, k0: '' } })).status).toBe(200);
  });

  it('that changes nothing answers 200, appends nothing and leaves updatedTime alone', async () => {
    await update({ email: 'a@example.com', shipping: SHIPPING, metadata: { a: 1 }, taxCertificate: CERTIFICATE });
    const [before, appended] = [await read(), app.appended];
    app.clock.advance(60_000);
    for (const body of [
      {},
      { email: 'a@example.com' },
      { shipping: SHIPPING },
      { metadata: { a: 1 } },
      { metadata: { gone: '' } },
      { locale: null },
      { enabled: true, requestToBeForgotten: false },
    ]) {
      const answer = await update(body);
      expect([answer.status, answer.json()]).toEqual([200, before]);
    }
    expect(app.appended).toBe(appended);
    expect((await update({ enabled: false })).json<Customer>().updatedTime > before.updatedTime).toBe(true);
  });
});

describe('all faults of a body', () => {
  const body = {
    nickname: 'J',
    constructor: 1,
    email: 'no',
    locale: 'none',
    type: 'no',
    enabled: 'no',
    defaultSourceId: 'no',
    metadata: { ...pairs(21), ['k'.repeat(41)]: 'v'.repeat(501) },
    shipping: { fax: 1, email: 'no', name: 5, address: { city: 5, x: 1 } },
    taxCertificate: { companyName: 5, y: 1, startDate: '2026-13-01', endDate: '2026-01-01' },
  };
  const faults: readonly Fault[] = [
    ['unknown_parameter', 'nickname'],
    ['unknown_parameter', 'constructor'],
    ['unknown_parameter', 'shipping.fax'],
    ['unknown_parameter', 'shipping.address.x'],
    ['unknown_parameter', 'taxCertificate.y'],
    ['invalid_parameter', 'email'],
    ['invalid_parameter', 'locale'],
    ['invalid_parameter', 'type'],
    ['invalid_parameter', 'enabled'],
    ['invalid_parameter', 'defaultSourceId'],
    ['too_many_metadata_pairs', 'metadata'],
    ['invalid_metadata_key', 'metadata'],
    ['invalid_metadata_value', 'metadata'],
    ['invalid_parameter', 'shipping.email'],
    ['invalid_parameter', 'shipping.name'],
    ['invalid_parameter', 'shipping.address.city'],
    ['missing_parameter', 'shipping.address.country'],
    ['invalid_parameter', 'taxCertificate.companyName'],
    ['invalid_parameter', 'taxCertificate.startDate'],
    ['missing_parameter', 'taxCertificate.taxAuthority'],
    ['missing_parameter', 'taxCertificate.fileId'],
  ];

  it('are reported at once, on create and update alike', async () => {
    await bothRefuse(body, ...faults);
  });

  it('come together with those of the fields that one of the two does not have', async () => {
    const wrong = { ...body, id: 'another one' };
    const onCreate: Fault[] = [
      ['invalid_parameter', 'id'],
      ['unknown_parameter', 'requestToBeForgotten'],
    ];
    const onUpdate: Fault[] = [
      ['invalid_parameter', 'id'],
      ['invalid_parameter', 'requestToBeForgotten'],
    ];
    const sent = { ...wrong, requestToBeForgotten: 'no' };
    await app.refused({ method: 'POST', path: '/customers', body: sent }, 400, ...faults, ...onCreate);
    await app.refused({ method: 'POST', path: `/customers/${id}`, body: sent }, 400, ...faults, ...onUpdate);
  });

  it('never repeat a value that was sent', async () => {
    const { text } = await app.refused({ method: 'POST', path: '/customers', body: { email: 'canary-4711', locale: 'canary-4711', shipping: { name: ['canary-4711'] }, metadata: { ['canary-4711'.repeat(5)]: 'canary-4711'.repeat(99) } } }, 400, ['invalid_parameter', 'email'], ['invalid_parameter', 'locale'], ['invalid_parameter', 'shipping.name'], ['invalid_metadata_key', 'metadata'], ['invalid_metadata_value', 'metadata']); // prettier-ignore
    expect(text).not.toContain('canary-4711');
  });
});

describe('the parameters of the list', () => {
  it.each([
    ['limit', ['0', '101', '-1', '1.5', '1e1', 'ten', '', '%31%30%20', '0x10']],
    ['requestToBeForgotten', ['yes', 'TRUE', '2', '', 'null']],
    ['startingAfter', ['nobody', '', 'jane%40example.com']],
    ['endingBefore', ['nobody', '', '..']],
    ['email', ['']],
    ['ids', ['', ',', Array.from({ length: 101 }, (_, i) => `c${i}`).join(',')]],
    ['createdTime', ['', 'yesterday', '2026-02-30T00:00:00Z', '2026-01-01', '1767225600000']],
    ['updatedTime[gte]', ['', 'yesterday', '2026-01-01T25:00:00Z', '2026-01-01T00:00:00']],
  ])('%s is none of %j', async (name, values) => {
    const [parameter = name] = name.split('[');
    for (const value of values)
      await app.refused({ path: `/customers?${name}=${value}` }, 400, ['invalid_parameter', parameter]);
  });

  it.each(['limit=1', 'limit=100', 'requestToBeForgotten=true', 'requestToBeForgotten=0', 'email=jane@example.com'])(
    'include %s',
    async (query) => {
      expect((await app.call({ path: `/customers?${query}` })).status).toBe(200);
    },
  );

  it('include every comparison of a time, and pass over what is unknown', async () => {
    const customer = await read();
    const time = String(customer['createdTime']);
    const count = async (query: string): Promise<number> => {
      const answer = await app.call({ path: `/customers?ids=${id}&${query}&unknown=1&un[known]=2&deleted=true` });
      expect([query, answer.status]).toEqual([query, 200]);
      return answer.json<{ data: unknown[] }>().data.length;
    };
    const found: Record<string, number> = {};
    for (const operator of ['', '[eq]', '[gte]', '[lte]', '[gt]', '[lt]']) {
      found[operator] = await count(`createdTime${operator}=${time}`);
      expect(await count(`updatedTime${encodeURIComponent(operator)}=${encodeURIComponent(time)}`)).toBe(
        found[operator],
      );
    }
    expect(found).toEqual({ '': 1, '[eq]': 1, '[gte]': 1, '[lte]': 1, '[gt]': 0, '[lt]': 0 });
  });

  it('do not fall back to listing everything when an operator is not known', async () => {
    for (const [name, query] of [
      ['email', 'email[$ne]=x'],
      ['email', 'email[]=x'],
      ['createdTime', 'createdTime[ne]=2026-01-01T00:00:00Z'],
      ['createdTime', 'createdTime[$gt]=2026-01-01T00:00:00Z'],
      ['ids', 'ids[$nin][]=x'],
      ['limit', 'limit[gt]=1'],
    ] as const) {
      await app.refused({ path: `/customers?${query}` }, 400, ['invalid_parameter', name]);
    }
  });
});
