import { apiKeyFor } from '../../src/access/secrets.js';
import type { Scope } from '../../src/access/scopes.js';
import { isSignedBy, type Receipt } from '../../src/privacy/receipt.js';
import { LogCheckpoints } from '../../src/privacy/log-checkpoints.js';
import { viewsOnServer } from '../support/servers.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';

interface Shown {
  readonly state: string;
  readonly receipt?: Receipt;
  readonly [field: string]: unknown;
}
interface Answer {
  readonly status: number;
  readonly body: Shown & { readonly errors?: readonly { readonly code: string; readonly parameter?: string }[] };
  readonly text: string;
}

const DAY_MS = 86_400_000;

describe('the forgetting of a customer', () => {
  let app: TestApp;
  let clock: TestClock;
  let n = 0;
  let id: string;

  beforeAll(async () => {
    clock = new TestClock();
    app = await startTestApp({ clock, config: { forgetGraceDays: 28, masterKeyEpochDays: 31 } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    id = `c${(n += 1)}`;
    await send('POST', '/customers', { id, email: 'jane@example.com' });
  });

  async function send(
    method: string,
    url: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const answer = await app.request({ method, url, headers, ...(body !== undefined && { body }) });
    const { statusCode: status, body: text } = answer;
    return { status, body: (text === '' ? {} : JSON.parse(text)) as Answer['body'], text };
  }
  const keyWith = async (...scopes: Scope[]): Promise<Record<string, string>> => {
    const secret = `test-${scopes.join('-').replaceAll(/[^a-z-]/g, '-')}-${(n += 1)}`;
    await app.stores.apiKeys.add(apiKeyFor(secret, { name: 'some', scopes }, clock.now()));
    return { authorization: `Bearer ${secret}` };
  };
  const erasure = async (of = id): Promise<Shown> => (await send('GET', `/customers/${of}/erasure`)).body;
  /** With the keys on a server it is waited until no cache can hold one: by the clock of the service, which stands still. */
  async function erased(of = id, query = ''): Promise<Shown & { receipt: Receipt }> {
    const giveUpAt = performance.now() + 10_000;
    for (;;) {
      const { receipt, ...body } = (await send('GET', `/customers/${of}/erasure${query}`)).body;
      if (receipt !== undefined) return { ...body, receipt };
      if (viewsOnServer) clock.advance(1_000);
      if (performance.now() > giveUpAt) throw new Error(`No receipt in time: ${JSON.stringify(body)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const refusal = ({ status, body }: Answer): readonly unknown[] => [
    status,
    ...(body.errors ?? []).flatMap(({ code, parameter }) => [code, parameter]),
  ];

  it('is told from the first request on: none, requested with its due date, and withdrawn again', async () => {
    expect(await erasure()).toEqual({ customerId: id, life: 1, state: 'none', legalHold: false });
    await send('POST', `/customers/${id}`, { requestToBeForgotten: true });
    expect(await erasure()).toEqual({
      customerId: id,
      life: 1,
      state: 'requested',
      legalHold: false,
      requestedTime: new Date(clock.now()).toISOString(),
      dueTime: new Date(clock.now() + 28 * DAY_MS).toISOString(),
    });
    await send('POST', `/customers/${id}`, { requestToBeForgotten: false });
    expect(await erasure()).toMatchObject({ state: 'none' });
  });

  it('happens at once when it is asked for, and is proven by a receipt that holds nothing personal', async () => {
    await send('POST', `/customers/${id}`, { requestToBeForgotten: true });
    const requestedTime = new Date(clock.now()).toISOString();
    clock.advance(DAY_MS);
    const erasedTime = new Date(clock.now()).toISOString();
    const asked = await send('POST', `/customers/${id}/erasure`, { reasonCode: 'gdpr_art_17' });
    expect(asked.status).toBe(200);
    expect(asked.body).toMatchObject({ requestedTime, erasedTime, reasonCode: 'gdpr_art_17', subscribers: [] });
    const read = await send('GET', `/customers/${id}`);
    expect(read.text).not.toContain('jane');
    expect(read.body).toMatchObject({ id, enabled: false, requestToBeForgotten: true });
    const { receipt, state } = await erased();
    expect(state).toBe('erased');
    const [event] = (await app.stores.eventStore.read(`customer-${id}`)).slice(-1);
    const key = await app.privacy.subjectKeys.find({ subject: id, revision: 1 });
    expect(receipt.payload).toEqual({
      type: 'customer-erasure',
      version: 1,
      customerId: id,
      life: 1,
      cause: 'requested',
      reasonCode: 'gdpr_art_17',
      requestedTime,
      erasedTime,
      issuedTime: viewsOnServer ? expect.any(String) : erasedTime,
      event: { id: event?.id, stream: `customer-${id}`, revision: event?.revision, hash: event?.metadata['hash'] },
      keys: [{ revision: 1, fingerprint: key.status === 'erased' ? key.fingerprint : '' }],
      places: ['event_log', 'read_model', 'key_store', 'key_caches', 'webhook_deliveries'],
      checkpoint: expect.stringMatching(/^customers\/[0-9a-f-]+\n\d+\n/),
      planned: { backupsUnreadableTime: new Date(Date.parse(erasedTime) + 31 * DAY_MS).toISOString() },
    });
    const publicKey = app.privacy.signing.publicKey(app.privacy.signing.activeId);
    expect(isSignedBy(publicKey, receipt)).toBe(true);
    const altered = { ...receipt, payload: { ...receipt.payload, erasedTime: requestedTime } };
    expect(isSignedBy(publicKey, altered)).toBe(false);
    expect(JSON.stringify(receipt)).not.toMatch(/jane|example\.com/);
  });

  it('gives the same receipt however often it is asked for, with or without an Idempotency-Key', async () => {
    const key = { 'idempotency-key': `k-${id}` };
    const first = await send('POST', `/customers/${id}/erasure`, { reasonCode: 'a' }, key);
    expect(first.status).toBe(200);
    const { receipt } = await erased();
    clock.advance(DAY_MS);
    for (const again of [
      await send('POST', `/customers/${id}/erasure`, { reasonCode: 'a' }, key),
      await send('POST', `/customers/${id}/erasure`),
      await send('POST', `/customers/${id}/erasure`, { reasonCode: 'other' }, { 'idempotency-key': `l-${id}` }),
    ]) {
      expect([again.status, again.body.receipt]).toEqual([200, receipt]);
    }
    expect(await app.stores.eventStore.read(`customer-${id}`)).toHaveLength(2);
    const reused = await send('POST', `/customers/${id}/erasure`, { reasonCode: 'b' }, key);
    expect(refusal(reused)).toEqual([422, 'idempotency_key_reused', 'Idempotency-Key']);
  });

  it('is refused under a legal hold, as is the deletion, until the hold is lifted; what is due waits', async () => {
    await send('POST', `/customers/${id}`, { requestToBeForgotten: true });
    for (let time = 0; time < 2; time += 1) expect((await send('PUT', `/customers/${id}/legal-hold`)).status).toBe(204);
    const held = await erasure();
    expect(held).toMatchObject({ state: 'requested', legalHold: true });
    for (const [method, path] of [
      ['POST', '/erasure'],
      ['DELETE', ''],
    ] as const) {
      expect(refusal(await send(method, `/customers/${id}${path}`))).toEqual([409, 'legal_hold', 'id']);
    }
    clock.advance(40 * DAY_MS);
    await app.service.dueErasures.run();
    expect((await send('GET', `/customers/${id}`)).text).toContain('jane@example.com');
    for (let time = 0; time < 2; time += 1)
      expect((await send('DELETE', `/customers/${id}/legal-hold`)).status).toBe(204);
    await app.service.dueErasures.run();
    expect((await send('GET', `/customers/${id}`)).text).not.toContain('jane');
    expect((await erased()).receipt.payload).toMatchObject({
      cause: 'grace_period_over',
      requestedTime: held['requestedTime'],
    });
    const types = (await app.stores.eventStore.read(`customer-${id}`)).map(({ type }) => type);
    expect(types).toEqual([
      'CustomerCreated',
      'ForgetRequested',
      'LegalHoldPlaced',
      'LegalHoldLifted',
      'CustomerErased',
    ]);
  });

  it('by a deletion has a receipt of its own, also once the id lives again', async () => {
    await send('DELETE', `/customers/${id}`);
    const { receipt } = await erased();
    expect(receipt.payload).toMatchObject({ cause: 'deleted', life: 1 });
    await send('POST', '/customers', { id, email: 'john@example.com' });
    expect(await erasure()).toMatchObject({ state: 'none', life: 2 });
    expect((await erased(id, '?life=1')).receipt).toEqual(receipt);
    await send('POST', `/customers/${id}/erasure`);
    expect((await erased()).receipt.payload).toMatchObject({ life: 2, cause: 'requested' });
  });

  it('has no receipt before a checkpoint covers it', async () => {
    const checkpoints = app.service.app.get(LogCheckpoints);
    const original = checkpoints.covering.bind(checkpoints);
    let asked = 0;
    checkpoints.covering = () => Promise.resolve(void (asked += 1));
    try {
      await send('POST', `/customers/${id}/erasure`);
      while (asked < 2) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await erasure()).toMatchObject({ state: 'erasing' });
    } finally {
      checkpoints.covering = original;
    }
    expect((await erased()).state).toBe('erased');
  });

  it('needs the scope customers:erase, and to be read customers:read', async () => {
    const writes = await keyWith('customers:read', 'customers:write');
    const erases = await keyWith('customers:erase');
    for (const [method, path] of [
      ['POST', 'erasure'],
      ['PUT', 'legal-hold'],
      ['DELETE', 'legal-hold'],
    ] as const) {
      const url = `/customers/${id}/${path}`;
      expect(refusal(await send(method, url, undefined, writes))).toEqual([403, 'forbidden', undefined]);
    }
    expect(refusal(await send('GET', `/customers/${id}/erasure`, undefined, erases))).toEqual([
      403,
      'forbidden',
      undefined,
    ]);
    expect((await send('GET', `/customers/${id}/erasure`, undefined, writes)).status).toBe(200);
    expect((await send('PUT', `/customers/${id}/legal-hold`, undefined, erases)).status).toBe(204);
    expect((await send('DELETE', `/customers/${id}/legal-hold`, undefined, erases)).status).toBe(204);
    expect((await send('POST', `/customers/${id}/erasure`, {}, erases)).status).toBe(200);
  });

  it('is refused for what is not there, not allowed, or badly asked for', async () => {
    const of = (path: string, other = id): string => `/customers/${other}/${path}`;
    for (const [method, path] of [
      ['GET', 'erasure'],
      ['POST', 'erasure'],
      ['PUT', 'legal-hold'],
      ['DELETE', 'legal-hold'],
    ] as const) {
      for (const other of ['nobody', 'a%20b', 'x'.repeat(41)])
        expect(refusal(await send(method, of(path, other)))).toEqual([404, 'not_found', 'id']);
    }
    for (const reasonCode of [null, 1, '', 'A', 'a b', 'x'.repeat(41), ['a'], {}]) {
      expect(refusal(await send('POST', of('erasure'), { reasonCode }))).toEqual([
        400,
        'invalid_parameter',
        'reasonCode',
      ]);
    }
    expect(refusal(await send('POST', of('erasure'), { reason: 'a' }))).toEqual([400, 'unknown_parameter', 'reason']);
    expect(refusal(await send('PUT', of('legal-hold'), { until: 'x' }))).toEqual([400, 'unknown_parameter', 'until']);
    for (const life of ['0', '-1', 'x', '1.5', '', '1&life=1'])
      expect(refusal(await send('GET', `${of('erasure')}?life=${life}`))).toEqual([400, 'invalid_parameter', 'life']);
    expect(refusal(await send('GET', `${of('erasure')}?life=2`))).toEqual([404, 'not_found', 'id']);
    expect(refusal(await send('POST', of('erasure'), {}, { 'if-match': '"9"' }))).toEqual([
      412,
      'precondition_failed',
      'If-Match',
    ]);
    expect(refusal(await send('PATCH', of('erasure')))[0]).toBe(405);
    await send('POST', of('erasure'));
    for (const method of ['PUT', 'DELETE'] as const)
      expect(refusal(await send(method, of('legal-hold')))).toEqual([409, 'customer_erased', 'id']);
  });
});
