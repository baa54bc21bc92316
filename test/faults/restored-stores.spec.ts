import type { Position } from '../../src/event-sourcing/event-store.js';
import { type ReceiptPayload, signReceipt } from '../../src/privacy/receipt.js';
import { appendByNewerRelease } from '../support/written-events.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';

const DAY_MS = 86_400_000;

let clock: TestClock;
let app: TestApp;

beforeEach(async () => {
  clock = new TestClock();
  app = await startTestApp({ clock, config: { forgetGraceDays: 1 } });
});
afterEach(() => app.close());

async function send(method: string, url: string, body?: unknown): Promise<{ status: number; body: never }> {
  const answer = await app.request({ method, url, ...(body !== undefined && { body }) });
  return { status: answer.statusCode, body: (answer.body === '' ? {} : JSON.parse(answer.body)) as never };
}

describe('A log restored from before an erasure', () => {
  beforeEach(async () => {
    for (const id of ['gone', 'here']) await send('POST', '/customers', { id, email: `${id}@example.com` });
    await app.privacy.keys.destroy({ subject: 'gone', revision: 1 });
    await app.privacy.keys.destroy({ subject: 'lost', revision: 1 });
  });

  it('does not bring the customer back: the fence says that it was erased', async () => {
    const { status, body } = await send('GET', '/customers/gone');
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: 'gone', requestToBeForgotten: true });
    expect(body).not.toHaveProperty('email');
    const listed = await send('GET', '/customers');
    expect(listed.status).toBe(200);
    expect(JSON.stringify(listed.body)).not.toContain('gone@example.com');
    expect(JSON.stringify(listed.body)).toContain('here@example.com');
    // By its address it is not found, as no erased customer is: that would tell whose the address was.
    for (const query of ['email=gone@example.com', 'requestToBeForgotten=false'])
      expect([query, JSON.stringify((await send('GET', `/customers?${query}`)).body)]).toEqual([
        query,
        expect.not.stringContaining('"gone"'),
      ]);
  });

  it('does not take the receipt back, which stays the same when the log is made to know', async () => {
    expect((await send('GET', '/customers/gone/erasure')).body).toMatchObject({ state: 'none' });
    const at = new Date(clock.now()).toISOString();
    const payload: ReceiptPayload = {
      ...{ type: 'customer-erasure', version: 1, customerId: 'gone', life: 1, cause: 'requested', reasonCode: 'asked' },
      ...{ requestedTime: at, erasedTime: at, issuedTime: at, keys: [], places: [], checkpoint: 'of the log before' },
      event: { id: 'e', stream: 'customer-gone', revision: 7, hash: 'h' },
      planned: { backupsUnreadableTime: null },
    };
    const receipt = signReceipt(payload, app.privacy.signing);
    const ref = { subject: 'gone', revision: 1 };
    await app.stores.receipts.note([{ ref, position: '99' as Position, at: clock.now() }]);
    await app.stores.receipts.issue(ref, receipt);
    const shown = { state: 'erased', erasedTime: at, reasonCode: 'asked', receipt: JSON.parse(receipt) as unknown };
    expect((await send('GET', '/customers/gone/erasure')).body).toMatchObject(shown);
    clock.advance(DAY_MS);
    const again = await send('POST', '/customers/gone/erasure', { reasonCode: 'again' });
    expect(again).toMatchObject({ status: 200, body: { state: 'erased', receipt: shown.receipt } });
    await app.settled();
    expect(await app.stores.receipts.find(ref)).toBe(receipt);
  });

  it('has commands on it, and on an id whose creation was lost, refused as on an erased customer', async () => {
    for (const [url, body] of [
      ['/customers/gone', { locale: 'de_DE' }],
      ['/customers', { id: 'lost', email: 'lost@example.com' }],
    ] as const) {
      const answer = await send('POST', url, body);
      expect(answer).toMatchObject({ status: 409, body: { errors: [{ code: 'customer_erased' }] } });
    }
    expect((await send('DELETE', '/customers/gone')).status).toBe(204);
    expect((await send('GET', '/customers/gone')).status).toBe(404);
  });
});

describe('A customer with an event of a newer release', () => {
  beforeEach(async () => {
    for (const id of ['a', 'b']) {
      await send('POST', '/customers', { id, email: `${id}@example.com` });
      await send('POST', `/customers/${id}`, { requestToBeForgotten: true });
    }
    await appendByNewerRelease(app.stores.eventStore, 'customer-a');
  });

  it('is not changed, and does not keep others from being erased when they are due', async () => {
    expect(await send('POST', '/customers/a', { locale: 'de_DE' })).toMatchObject({
      status: 503,
      body: { errors: [{ message: expect.stringContaining('newer release') }] },
    });
    clock.advance(2 * DAY_MS);
    await app.service.dueErasures.run();
    expect((await send('GET', '/customers/b')).body).not.toHaveProperty('email');
  });
});
