import type { CustomerAsOf, CustomerDiff, HistoryEvent } from '../../src/audit/customer-audit.js';
import { hashEvent, readMetadata } from '../../src/event-sourcing/envelope.js';
import { authorizationFor } from '../support/event-readers.js';
import { AuditApp, EMAIL, holdsSecret, type Page, shipping, SOURCE, TIER, TRACE, WHY } from './audit-app.js';

let audit: AuditApp;
beforeEach(async () => {
  audit = await AuditApp.start();
});
afterEach(() => audit.close());

describe('GET /audit/customers/{id}/events', () => {
  it('tells who changed which field when and why, and the hashes as they are in the log', async () => {
    await audit.life('c1');
    const events = await audit.history('c1');
    const stored = await audit.app.stores.eventStore.read('customer-c1');
    expect(
      events.map(({ type, revision, changes }) => [revision, type, changes.map(({ pointer }) => pointer)]),
    ).toEqual([
      [
        0,
        'CustomerCreated',
        ['/email', '/enabled', '/requestToBeForgotten', '/taxCertificates', '/metadata', '/sources', '/createdTime'],
      ],
      [1, 'CustomerShippingChanged', ['/shipping']],
      [2, 'CustomerMetadataChanged', ['/metadata/n']],
      [3, 'SourceAttached', ['/sources/0']],
      [4, 'DefaultSourceChanged', ['/defaultSourceId']],
      [5, 'CustomerDisabled', ['/enabled']],
      [6, 'CustomerEmailChanged', ['/email']],
    ]);
    expect(events[6]?.changes).toEqual([{ pointer: '/email', before: EMAIL }]);
    for (const [revision, event] of events.entries()) {
      const { at, hash, actor, requestId, commandId } = readMetadata(stored[revision]!);
      expect(event).toMatchObject({
        id: stored[revision]!.id,
        hash,
        actor,
        requestId,
        commandId,
        traceId: TRACE,
        life: 1,
      });
      expect(Date.parse(event.happenedTime)).toBe(at);
      expect(Date.parse(event.recordedTime)).toBe(stored[revision]!.recordedAt);
      expect(event.prevHash).toBe(events[revision - 1]?.hash);
      expect(hashEvent(stored[revision]!)).toBe(event.hash);
    }
    expect(events.map(({ reason }) => reason)).toEqual([
      undefined,
      { code: 'support_call', text: WHY },
      { code: 'support_call', text: WHY },
      { code: 'import' },
      { code: 'import' },
      undefined,
      undefined,
    ]);
    expect(holdsSecret(stored)).toBe(false);
  });

  it('shows values to audit:read.pii alone, and to nobody once they are erased, while the facts stay', async () => {
    const auditor = await authorizationFor(audit.app, 'audit:read');
    await audit.life('c1');
    const [all, unseen] = [await audit.history('c1'), await audit.history('c1', auditor)];
    expect([holdsSecret(all), holdsSecret(unseen)]).toEqual([true, false]);
    expect(unseen[0]?.changes).toContainEqual({ pointer: '/email', after: '[personal]' });
    expect(unseen[1]?.reason).toEqual({ code: 'support_call', text: '[personal]' });
    expect(unseen[2]?.changes).toEqual([{ pointer: '/metadata', before: '[personal]', after: '[personal]' }]);
    await audit.change('/customers/c1', { requestToBeForgotten: true }, 'gdpr; Canary asked by phone, %C3%BC');
    audit.clock.advance(29 * 24 * 3_600_000);
    await audit.app.service.dueErasures.run();
    for (const authorization of [undefined, auditor]) {
      const after = await audit.history('c1', authorization);
      expect(holdsSecret(after)).toBe(false);
      expect(after.map(({ id }) => id).slice(0, all.length)).toEqual(all.map(({ id }) => id));
      expect(after[0]?.changes).toContainEqual({ pointer: '/email', after: '[erased]' });
      expect(after[1]?.reason).toEqual({ code: 'support_call', text: '[erased]' });
      expect(after[2]?.changes).toEqual([{ pointer: '/metadata', before: '[erased]', after: '[erased]' }]);
      expect(after.at(-1)).toMatchObject({ type: 'CustomerErased', details: { cause: 'grace_period_over' } });
      expect(after.at(-1)?.changes).toContainEqual({ pointer: '/shipping', before: '[erased]' });
      expect(after.find(({ type }) => type === 'ForgetRequested')?.details).toEqual({ dueAt: expect.any(String) });
    }
  });

  it('goes through deletions and all lives of an id; of a reason to delete the code alone is kept', async () => {
    await audit.life('c1');
    await audit.change('/customers/c1', undefined, `gdpr; ${encodeURIComponent(WHY)}`, 'DELETE');
    const deleted = await audit.history('c1');
    expect(deleted.at(-1)).toMatchObject({ type: 'CustomerDeleted', life: 1, reason: { code: 'gdpr' } });
    expect(deleted.at(-1)?.reason).toEqual({ code: 'gdpr' });
    expect(holdsSecret(deleted)).toBe(false);
    await audit.change('/customers', { id: 'c1', email: 'second@example.com' }, 'second_life; once more');
    const events = await audit.history('c1');
    expect(events.slice(0, deleted.length)).toEqual(deleted);
    expect(events.at(-1)).toMatchObject({ life: 2, reason: { code: 'second_life', text: 'once more' } });
    expect(events.at(-1)?.changes).toContainEqual({ pointer: '/email', after: 'second@example.com' });
  });

  it('comes page by page, as a whole whatever the size of the pages', async () => {
    await audit.life('c1');
    const all = await audit.history('c1');
    for (const limit of [1, 3]) {
      const events: HistoryEvent[] = [];
      for (let [after, hasMore] = ['', true]; hasMore;) {
        const page = await audit.got<Page<HistoryEvent>>(`/audit/customers/c1/events?limit=${limit}${after}`);
        events.push(...page.data);
        [after, hasMore] = [`&after=${page.next}`, page.hasMore];
      }
      expect(events).toEqual(all);
    }
    const { next } = await audit.got<Page<HistoryEvent>>('/audit/customers/c1/events');
    expect(await audit.got(`/audit/customers/c1/events?after=${next}`)).toEqual({ data: [], next, hasMore: false });
  });

  it.each(['jane@example.com', 'Call', 'call; 100 %'])('refuses a change with the X-Reason %j', async (reason) => {
    await audit.life('c1');
    for (const [method, url] of [
      ['POST', '/customers'],
      ['POST', '/customers/c1'],
      ['DELETE', '/customers/c1'],
      ['POST', `/customers/c1/sources/${SOURCE}`],
      ['DELETE', `/customers/c1/sources/${SOURCE}`],
    ] as const) {
      const answer = await audit.app.request({ method, url, headers: { 'x-reason': reason } });
      expect([answer.statusCode, answer.json()]).toMatchObject([400, { errors: [{ parameter: 'X-Reason' }] }]);
      expect(answer.body).not.toContain(reason);
    }
    expect((await audit.history('c1')).length).toBe(7);
  });

  it('takes a reason with a change that changes nothing, of a customer of whom nothing is sealed yet', async () => {
    await audit.change('/customers', { id: 'c1', locale: 'en_US' });
    await audit.change('/customers/c1', { locale: 'en_US' }, `support_call; ${encodeURIComponent(WHY)}`);
    expect((await audit.history('c1')).length).toBe(1);
  });
});

describe('GET /audit/customers/{id}', () => {
  it('is the customer as the API answered it then, by revision and by time, and says how long it stood', async () => {
    const answers: { readonly at: number; readonly version: number; readonly customer: unknown }[] = [];
    const note = async (): Promise<void> => {
      const answer = await audit.get('/customers/c1');
      answers.push({
        at: audit.clock.now(),
        version: Number(answer.headers['etag']?.slice(1, -1)),
        customer: answer.json(),
      });
    };
    await audit.change('/customers', { id: 'c1', email: EMAIL });
    await note();
    for (const body of [{ shipping }, { metadata: { tier: TIER } }, { email: null, locale: 'en_US', enabled: false }]) {
      await audit.change('/customers/c1', body);
      await note();
    }
    await audit.change(`/customers/c1/sources/${SOURCE}`);
    await note();
    for (const [n, { at, version, customer }] of answers.entries()) {
      for (const query of [`revision=${version}`, `asOf=${new Date(at).toISOString()}`]) {
        const asOf = await audit.got<CustomerAsOf>(`/audit/customers/c1?${query}`);
        expect(asOf).toMatchObject({ customerId: 'c1', revision: version, life: 1, status: 'active', customer });
        expect(Object.keys(asOf.customer ?? {}).sort()).toEqual(Object.keys(customer as object).sort());
        const next = answers[n + 1];
        expect(asOf.stoodTo).toBe(next && new Date(next.at).toISOString());
      }
    }
    const newest = await audit.got<CustomerAsOf>('/audit/customers/c1');
    expect(newest.customer).toEqual(answers.at(-1)?.customer);
    const hidden = await audit.got<CustomerAsOf>(
      '/audit/customers/c1',
      await authorizationFor(audit.app, 'audit:read'),
    );
    expect(hidden.customer).toMatchObject({ shipping: '[personal]', metadata: '[personal]', locale: 'en_US' });
  });

  it('knows deleted and erased ones, and who they were before without the values', async () => {
    await audit.life('c1');
    const before = audit.clock.now();
    await audit.change('/customers/c1', undefined, undefined, 'DELETE');
    const now = await audit.got<CustomerAsOf>('/audit/customers/c1');
    expect(now).toEqual({
      customerId: 'c1',
      revision: 7,
      life: 1,
      status: 'deleted',
      stoodFrom: new Date(audit.clock.now()).toISOString(),
    });
    const then = await audit.got<CustomerAsOf>(`/audit/customers/c1?asOf=${new Date(before).toISOString()}`);
    expect(then).toMatchObject({ status: 'active', customer: { shipping: '[erased]', enabled: false } });
    expect((await audit.get('/audit/customers/c1?asOf=2025-12-31')).statusCode).toBe(404);
  });
});

describe('GET /audit/customers/{id}/diff', () => {
  it('compares any two moments, in either order', async () => {
    await audit.life('c1');
    const forth = await audit.got<CustomerDiff>('/audit/customers/c1/diff?from=0&to=2');
    expect(forth).toMatchObject({ customerId: 'c1', from: { revision: 0 }, to: { revision: 2 } });
    expect(forth.changes).toEqual([
      { pointer: '/metadata/n', before: 1 },
      { pointer: '/shipping', after: shipping },
    ]);
    const back = await audit.got<CustomerDiff>(`/audit/customers/c1/diff?from=2&to=2026-01-01T00:00:01Z`);
    expect(back.changes).toEqual([
      { pointer: '/shipping', before: shipping },
      { pointer: '/metadata/n', after: 1 },
    ]);
    const born = await audit.got<CustomerDiff>('/audit/customers/c1/diff?from=2025-12-31');
    expect(born.from).toBeUndefined();
    expect(born.to?.revision).toBe(6);
  });
});
