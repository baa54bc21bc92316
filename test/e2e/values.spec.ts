import { randomUUID } from 'node:crypto';
import { CommandBus } from '@nestjs/cqrs';
import { CreateCustomer } from '../../src/customers/commands/create-customer.js';
import type { CustomerChanges } from '../../src/customers/domain/changes.js';
import { systemContext } from '../../src/event-sourcing/command-context.js';
import { ContractApp } from './contract-errors-app.js';

type Body = Readonly<Record<string, unknown>>;

const JSON_TYPE = { 'content-type': 'application/json' };
const INJECTED = '"x\r\nBcc: a@example.com"@example.org';

let app: ContractApp;
beforeAll(async () => {
  app = await ContractApp.start();
});
afterAll(() => app.close());

const update = (id: string, body: Body) => app.call({ method: 'POST', path: `/customers/${id}`, body });
const found = async (query: string): Promise<string[]> => {
  const answer = await app.call({ path: `/customers?${query}` });
  expect([query, answer.status]).toEqual([query, 200]);
  return answer
    .json<{ data: { id: string }[] }>()
    .data.map(({ id }) => id)
    .sort();
};

/** Stores what an older release took, past the edge. */
async function stored(changes: CustomerChanges): Promise<string> {
  const id = randomUUID();
  const context = systemContext('sources', app.clock.now() + 4_000);
  await app.app.service.app.get(CommandBus).execute(new CreateCustomer(id, changes, context));
  return id;
}

describe('values that an older release took', () => {
  const old: CustomerChanges = {
    email: INJECTED,
    locale: 'tl_PH',
    shipping: { name: 'Jane\u0000Doe', email: 'jane@exam\u200bple.com', address: { country: 'US', city: 'A\nB' } },
    metadata: { 'k\n': 'v', id: 1524831183200260000, list: ['\u0001'] },
  };
  let id: string;
  beforeAll(async () => {
    id = await stored(old);
  });

  it('are read, and can be sent back unchanged with other changes', async () => {
    const read = (await app.call({ path: `/customers/${id}` })).json<Body>();
    expect(read).toMatchObject(old);
    const before = app.appended;
    const same = await update(id, read);
    expect([same.status, same.json()]).toEqual([200, read]);
    expect(app.appended).toBe(before);
    const edited = await update(id, { ...read, type: 'business', metadata: { ...old.metadata, more: 1 } });
    expect([edited.status, edited.json()]).toEqual([
      200,
      expect.objectContaining({ ...old, type: 'business', metadata: { ...old.metadata, more: 1 } }),
    ]);
  });

  it('are refused where they are not what stands there, each by its name and all at once', async () => {
    await app.refused(
      {
        method: 'POST',
        path: `/customers/${id}`,
        body: {
          email: `${INJECTED}x`.replace('@example.orgx', '@example.net'),
          shipping: { ...old.shipping, name: 'Jane\u0001Doe' },
          metadata: { 'k\n': 'w', id: 1524831183200260000, list: ['\u0002'] },
        },
      },
      400,
      ['invalid_parameter', 'email'],
      ['invalid_parameter', 'shipping.name'],
      ['invalid_metadata_key', 'metadata'],
      ['invalid_metadata_value', 'metadata'],
    );
    const other = await app.created();
    await app.refused({ method: 'POST', path: `/customers/${other}`, body: { email: INJECTED } }, 400, [
      'invalid_parameter',
      'email',
    ]);
    await app.refused(
      { method: 'POST', path: `/customers/${id}`, body: '{"metadata":{"id":1524831183200260001}}', headers: JSON_TYPE },
      400,
      ['invalid_metadata_value', 'metadata'],
    );
  });

  it('are found by the filter, however they are encoded', async () => {
    expect(await found(`email=${encodeURIComponent(INJECTED)}`)).toEqual([id]);
    expect(await found(`email=%22x%0d%0aBcc:%20a@example.com%22@example.org`)).toEqual([id]);
  });

  it('can be removed', async () => {
    const answer = await update(id, { metadata: { 'k\n': '', id: '' }, shipping: null, email: null });
    expect([answer.status, answer.json<Body>()['metadata']]).toEqual([200, { list: ['\u0001'], more: 1 }]);
  });
});

describe('an address', () => {
  it.each([
    ['"john doe"@example.org', '%22john%20doe%22@example.org'],
    ['"john+doe"@example.org', '%22john+doe%22@example.org'],
    ['"john+doe"@example.org', '%22john%2Bdoe%22%40example.org'],
    ['jane+tag@example.com', 'jane+tag@example.com'],
    ['jane+tag@example.com', 'JANE%2Btag%40EXAMPLE.COM'],
    ['ΝΙΚΟΣ@παράδειγμα.δοκιμή', encodeURIComponent('νικος@παράδειγμα.δοκιμή')],
    ['νικος@example.gr', encodeURIComponent('ΝΙΚΟΣ@EXAMPLE.GR')],
    ['νικοσ@example.gr', encodeURIComponent('νικος@example.gr')],
    ['straße@example.de', encodeURIComponent('STRAẞE@example.de')],
    ['josé@example.com', encodeURIComponent('JOSE\u0301@example.com')],
    ["o'hara@example.com", 'o%27HARA@example.com'],
  ])('%s is found with %s', async (email, query) => {
    const id = await app.created({ email });
    expect(await found(`email=${query}&limit=100`)).toContain(id);
  });

  it('of another is not found: what can be a space and what can be a plus are kept apart', async () => {
    const [space, plus] = [
      await app.created({ email: '"a b"@example.org' }),
      await app.created({ email: '"a+b"@example.org' }),
    ];
    expect(await found('email=%22a%20b%22@example.org')).toEqual([space]);
    expect(await found('email=%22a+b%22@example.org')).toEqual([plus]);
    expect(await found('email=%22a%2Bb%22@example.org')).toEqual([plus]);
  });
});

describe('two bodies that differ only in a number beyond 2^53', () => {
  it('are both refused, and leave their Idempotency-Key free', async () => {
    const key = randomUUID();
    const send = (number: string) => ({
      method: 'POST',
      path: '/customers',
      headers: { ...JSON_TYPE, 'idempotency-key': key },
      body: `{"metadata":{"id":${number}}}`,
    });
    for (const number of ['1524831183200260097', '1524831183200260098', '[{"a":1524831183200260097}]']) {
      await app.refused(send(number), 400, ['invalid_metadata_value', 'metadata']);
    }
    expect((await app.call(send('1524831183'))).status).toBe(201);
    const { status } = await app.call(send('1524831184'));
    expect(status).toBe(422);
  });
});

describe('what clients send for nothing', () => {
  it.each(['null', ' null\n', '{}', '[]', ''])('%j is no body, on every operation that needs none', async (body) => {
    const id = await app.created();
    const sourceId = randomUUID();
    const statuses: number[] = [];
    for (const [method, path] of [
      ['POST', '/customers'],
      ['POST', `/customers/${id}`],
      ['POST', `/customers/${id}/sources/${sourceId}`],
      ['DELETE', `/customers/${id}/sources/${sourceId}`],
      ['PUT', `/customers/${id}/legal-hold`],
      ['DELETE', `/customers/${id}/legal-hold`],
      ['POST', `/customers/${id}/erasure`],
      ['DELETE', `/customers/${await app.created()}`],
    ] as const) {
      statuses.push((await app.call({ method, path, body, headers: JSON_TYPE })).status);
    }
    expect(statuses).toEqual([201, 200, 200, 204, 204, 204, 200, 204]);
  });

  it('an empty map of PHP is one', async () => {
    const created = await app.call({ method: 'POST', path: '/customers', body: { metadata: [], shipping: [] } });
    expect([created.status, created.json()]).toEqual([201, expect.objectContaining({ shipping: {} })]);
    const { id } = created.json<{ id: string }>();
    await update(id, { metadata: { a: 1 } });
    expect((await update(id, { metadata: [] })).json()).toMatchObject({ metadata: { a: 1 }, shipping: {} });
  });
});

describe('the forms that clients send', () => {
  it.each([
    ['de_DE_EURO', 'de_DE'],
    ['zh_CN_PINYIN', 'zh_CN'],
    ['iw_IL', 'he_IL'],
    ['en-US', 'en_US'],
    ['zh_Hans_CN', 'zh_CN'],
    ['es_419', 'es'],
    ['nl', 'nl'],
  ])('the locale %s is answered as %s, and changes nothing when it is sent again', async (sent, locale) => {
    const id = await app.created({ locale: sent });
    const before = app.appended;
    for (const again of [sent, locale]) expect((await update(id, { locale: again })).json()).toMatchObject({ locale });
    expect(app.appended).toBe(before);
  });

  it('dates of Java, PHP and Salesforce, in bodies and filters', async () => {
    const taxCertificate = {
      companyName: 'C',
      taxAuthority: 'T',
      startDate: '2021-04-07T00:00:00+0000',
      endDate: '2031-04-07T00:00Z',
      fileId: 'f',
    };
    const id = await app.created({ taxCertificate });
    expect((await app.call({ path: `/customers/${id}` })).json()).toMatchObject({ taxCertificates: [taxCertificate] });
    for (const time of [
      '2021-04-07T00:00:00+0000',
      '2021-04-07T00:00:00%2B0000',
      '2021-04-07T00:00:00%200000',
      '2021-04-07T00:00Z',
    ]) {
      expect(await found(`ids=${id}&createdTime[gte]=${time}`)).toEqual([id]);
      expect(await found(`ids=${id}&updatedTime[lt]=${time}`)).toEqual([]);
    }
    const { text } = await app.call({ path: '/customers?createdTime=2021-04-07T00:00:00' });
    expect(text).toMatch(/2026-01-01T00:00:00\+0200.*2026-01-01T00:00Z/);
  });

  it('lists with spaces, and flags in the spelling of Python', async () => {
    const [one, other] = [await app.created(), await app.created()];
    for (const query of [
      `ids=${one},%20${other}`,
      `ids=${one}%2C+${other}`,
      `ids=${one},${other},%20nobody@example.com`,
    ]) {
      expect(await found(`${query}&requestToBeForgotten=False`)).toEqual([one, other].sort());
    }
    expect(await found(`ids=${one}&requestToBeForgotten=True`)).toEqual([]);
  });

  it('a merge patch of a webhook, whose description can be kept from before', async () => {
    const refused = await app.call({ method: 'PATCH', path: '/webhooks/wh_none', headers: { 'content-type': 'application/merge-patch+json' }, body: '{"description":"x"}' }); // prettier-ignore
    expect(refused.status).toBe(404);
    await app.refused({ method: 'POST', path: '/webhooks', body: { url: 'https://example.com/\n', description: 'a\u0000' } }, 400, ['invalid_parameter', 'description'], ['invalid_parameter', 'url']); // prettier-ignore
  });
});
