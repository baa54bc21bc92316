import type { KeyState } from '../../src/privacy/subject-keys.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';

/** Readers that have their views and wait for the keys, while the life that they found comes to its end. */
describe('A reader held up between view and key', () => {
  let clock: TestClock;
  let app: TestApp;
  let wait: Promise<void> | undefined;
  let arrived: () => void;

  beforeEach(async () => {
    clock = new TestClock();
    wait = undefined;
    app = await startTestApp({
      clock,
      wrap: (stores) => {
        const findMany = stores.subjectKeys.findMany.bind(stores.subjectKeys);
        stores.subjectKeys.findMany = async (refs): Promise<readonly KeyState[]> => {
          const held = wait;
          if (held !== undefined) arrived();
          await held;
          return findMany(refs);
        };
        return stores;
      },
    });
    for (const id of ['a', 'b']) await send('POST', '/customers', { id, email: `${id}@example.com` });
    // What is held in memory of the keys is too old now.
    clock.advance(5_000);
  });
  afterEach(() => app.close());

  async function send(method: string, url: string, body?: unknown): Promise<{ status: number; text: string }> {
    const answer = await app.request({ method, url, ...(body !== undefined && { body }) });
    return { status: answer.statusCode, text: answer.body };
  }
  /** @returns the answer to a reader who is held up while this happens */
  async function readWhile(url: string, happens: () => Promise<unknown>): Promise<{ status: number; text: string }> {
    let release: () => void = () => undefined;
    wait = new Promise((resolve) => (release = resolve));
    const isThere = new Promise<void>((resolve) => (arrived = resolve));
    const reading = send('GET', url);
    await isThere;
    wait = undefined;
    await happens();
    await app.settled();
    release();
    return reading;
  }
  const erased = (): Promise<unknown> => send('POST', '/customers/a/erasure');
  const deleted = (): Promise<unknown> => send('DELETE', '/customers/a');
  const reborn = async (): Promise<unknown> => {
    await deleted();
    return send('POST', '/customers', { id: 'a', email: 'new@example.com' });
  };
  const idsIn = (text: string): unknown => (JSON.parse(text) as { data: { id: string }[] }).data.map(({ id }) => id);

  it.each([
    ['erased', erased, 200, '"enabled":false'],
    ['deleted', deleted, 404, 'not_found'],
    ['deleted and begins anew', reborn, 200, 'new@example.com'],
  ])('is told of a customer who is %s meanwhile what holds by then', async (_, happens, status, text) => {
    const answer = await readWhile('/customers/a', happens);
    expect(answer).toEqual({ status, text: expect.stringContaining(text) });
    expect(answer.text).not.toContain('a@example.com');
  });

  it.each([
    ['erased', erased, ['b', 'a']],
    ['deleted', deleted, ['b']],
    ['deleted and begins anew', reborn, ['b']],
  ])('of a list has no personal value of a customer who is %s, nor another life in its place', async (...row) => {
    const [, happens, ids] = row;
    const answer = await readWhile('/customers', happens);
    expect([answer.status, idsIn(answer.text)]).toEqual([200, ids]);
    expect(answer.text).not.toMatch(/a@|new@/);
  });

  it.each([
    ['erased', erased],
    ['deleted', deleted],
    ['deleted and begins anew', reborn],
  ])('by an address does not learn whose it was, when that customer is %s', async (_, happens) => {
    const answer = await readWhile('/customers?email=a@example.com', happens);
    expect(answer).toEqual({ status: 200, text: '{"hasMore":false,"data":[]}' });
  });
});
