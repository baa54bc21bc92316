import { randomUUID } from 'node:crypto';
import { ContractApp } from './contract-errors-app.js';

const JSON_TYPE = { 'content-type': 'application/json' };

let app: ContractApp;
let id: string;
beforeAll(async () => {
  app = await ContractApp.start();
});
beforeEach(async () => {
  id = await app.created({ email: 'jane@example.com', locale: 'en_US' });
});
afterAll(() => app.close());

describe('what clients really send is answered:', () => {
  it.each([
    ['without a length', JSON_TYPE],
    ['with a length of 0', { ...JSON_TYPE, 'content-length': '0' }],
    ['with a charset', { 'content-type': 'application/json; charset=utf-8' }],
  ])('a JSON content type without a body, %s', async (_, headers) => {
    const sourceId = randomUUID();
    const statuses: number[] = [];
    for (const [method, path] of [
      ['GET', '/customers'],
      ['POST', '/customers'],
      ['GET', `/customers/${id}`],
      ['POST', `/customers/${id}`],
      ['POST', `/customers/${id}/sources/${sourceId}`],
      ['DELETE', `/customers/${id}/sources/${sourceId}`],
      ['DELETE', `/customers/${id}`],
    ] as const) {
      statuses.push((await app.call({ method, path, headers })).status);
    }
    expect(statuses).toEqual([200, 201, 200, 200, 200, 204, 204]);
  });

  it('a list of ids in every form, with the comma encoded or not', async () => {
    const other = await app.created();
    const wanted = [id, other].sort();
    for (const query of [
      `ids=${id},${other}`,
      `ids=${id}%2C${other}`,
      `ids=${id}%2c${other}`,
      `ids=${id}&ids=${other}`,
      `ids[]=${id}&ids[]=${other}`,
      `ids%5B%5D=${id}&ids%5B%5D=${other}`,
    ]) {
      const answer = await app.call({ path: `/customers?${query}` });
      const found = answer.json<{ data: { id: string }[] }>().data.map((customer) => customer.id);
      expect([query, answer.status, found.sort()]).toEqual([query, 200, wanted]);
    }
  });

  it('an id that is percent-encoded, in whole or in part, on every method', async () => {
    const name = await app.created({ id: `a.b_c-${randomUUID().slice(0, 8)}` });
    const encode = (text: string): string => text.replace(/[^]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
    for (const written of [encode(name), encode(name).toUpperCase(), `%61${name.slice(1)}`]) {
      expect((await app.call({ path: `/customers/${written}` })).json()).toMatchObject({ id: name });
      expect((await app.call({ method: 'POST', path: `/customers/${written}`, body: {} })).status).toBe(200);
    }
    const sourceId = randomUUID();
    const path = `/customers/${encode(name)}/sources/${encode(sourceId)}`;
    expect((await app.call({ method: 'POST', path })).json()).toMatchObject({ id: sourceId, customerId: name });
    expect((await app.call({ method: 'DELETE', path })).status).toBe(204);
    expect((await app.call({ method: 'DELETE', path: `/customers/${encode(name)}` })).status).toBe(204);
  });

  it('a trailing slash on every address, also before a query', async () => {
    const sourceId = randomUUID();
    const statuses: number[] = [];
    for (const [method, path] of [
      ['GET', '/customers/'],
      ['GET', '/customers/?limit=1'],
      ['POST', '/customers/'],
      ['GET', `/customers/${id}/`],
      ['POST', `/customers/${id}/`],
      ['POST', `/customers/${id}/sources/${sourceId}/`],
      ['DELETE', `/customers/${id}/sources/${sourceId}/`],
      ['DELETE', `/customers/${id}/`],
    ] as const) {
      statuses.push((await app.call({ method, path })).status);
    }
    expect(statuses).toEqual([200, 200, 201, 200, 200, 200, 204, 204]);
  });

  it('a customer that was read, edited and posted back whole', async () => {
    await app.attached(id);
    const read = (await app.call({ path: `/customers/${id}` })).json<object>();
    const before = app.appended;
    const same = await app.call({ method: 'POST', path: `/customers/${id}`, body: read });
    expect([same.status, same.json()]).toEqual([200, read]);
    expect(app.appended).toBe(before);
    const edited = await app.call({ method: 'POST', path: `/customers/${id}`, body: { ...read, locale: 'de_DE' } });
    expect(edited.json()).toMatchObject({ ...read, locale: 'de_DE', updatedTime: expect.any(String) as string });
  });
});
