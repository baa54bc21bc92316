import type { LogEvent } from '../../src/audit/log-audit.js';
import type { Stores } from '../../src/adapters.js';
import { hashEvent, readMetadata } from '../../src/event-sourcing/envelope.js';
import type { EventStore } from '../../src/event-sourcing/event-store.js';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { LogCursors } from '../../src/subscribers/log-cursors.js';
import { authorizationFor, feedPage, wholeFeed } from '../support/event-readers.js';
import { AuditApp, holdsSecret, type Page, SOURCE, WHY } from './audit-app.js';

let audit: AuditApp;
beforeEach(async () => {
  audit = await AuditApp.start();
});
afterEach(() => audit.close());

describe('GET /audit/events', () => {
  it('shows all that happened, sources and uses of the audit among it, in the order of the log', async () => {
    await audit.life('c1');
    await audit.got('/audit/customers/c1');
    const events = await audit.wholeLog();
    expect(events.map(({ type, customerId }) => [type, customerId])).toEqual([
      ['CustomerCreated', 'c1'],
      ['CustomerShippingChanged', 'c1'],
      ['CustomerMetadataChanged', 'c1'],
      ['SourceClaimed', 'c1'],
      ['SourceAttached', 'c1'],
      ['DefaultSourceChanged', 'c1'],
      ['CustomerDisabled', 'c1'],
      ['CustomerEmailChanged', 'c1'],
      ['AuditAccessed', 'c1'],
      ['AuditAccessed', undefined],
    ]);
    expect(events[3]).toMatchObject({ sourceId: SOURCE, stream: `source-${SOURCE}` });
    expect(events[8]?.access).toEqual({
      action: 'GET /audit/customers/:id',
      details: { at: 'newest', personal: true },
    });
    expect(events[1]?.reason).toEqual({ code: 'support_call', text: WHY });
    const auditor = await authorizationFor(audit.app, 'audit:read');
    const { data } = await audit.got<Page<LogEvent>>('/audit/events', auditor);
    expect(holdsSecret(data)).toBe(false);
    await audit.change('/customers/c1', undefined, undefined, 'DELETE');
    const erased = await audit.wholeLog('customerId=c1');
    expect(holdsSecret(erased)).toBe(false);
    expect(erased[1]?.reason).toEqual({ code: 'support_call', text: '[erased]' });
  });

  it('chooses by time, actor, type and customer', async () => {
    await audit.life('c1');
    await audit.change('/customers', { id: 'c2' });
    const at = new Date(audit.clock.now()).toISOString();
    const all = await audit.wholeLog();
    const { actor = { type: '', id: '' } } = all[0]!;
    const types = (query: string): Promise<readonly string[]> =>
      audit.wholeLog(query).then((events) => events.map(({ type, customerId }) => `${type} ${customerId ?? ''}`));
    expect(await types(`from=${at}&types=CustomerCreated`)).toEqual(['CustomerCreated c2']);
    expect(await types(`to=${at}&types=CustomerCreated,CustomerDisabled`)).toEqual([
      'CustomerCreated c1',
      'CustomerDisabled c1',
    ]);
    expect(await types('customerId=c2')).toEqual(['CustomerCreated c2', 'AuditAccessed c2']);
    expect((await types(`actor=${actor.type}:${actor.id}&to=${at}`)).length).toBe(8);
    expect(await types('actor=system:grace-period')).toEqual([]);
  });

  it('is the same page by page, and a page without a hit leads on', async () => {
    await audit.life('c1');
    const all = (await audit.wholeLog()).filter(({ type }) => type !== 'AuditAccessed');
    const types =
      'types=CustomerCreated,CustomerShippingChanged,CustomerMetadataChanged,SourceClaimed,SourceAttached,DefaultSourceChanged,CustomerEmailChanged,CustomerDisabled';
    for (const limit of [1, 3]) expect(await audit.wholeLog(`${types}&limit=${limit}`)).toEqual(all);
    const { data, next, hasMore } = await audit.got<Page<LogEvent>>('/audit/events?types=CustomerErased');
    expect([data, hasMore]).toEqual([[], false]);
    await audit.change('/customers', { id: 'c2' });
    expect((await audit.wholeLog(`types=CustomerCreated&after=${next}`)).map(({ customerId }) => customerId)).toEqual([
      'c2',
    ]);
  });
});

const ROUTES = [
  '/audit/customers/c1',
  '/audit/customers/c1/events',
  '/audit/customers/c1/diff?from=0',
  '/audit/events?customerId=c1',
] as const;

const BAD = [
  ['/audit/customers/c1?revision=-1', 'revision'],
  ['/audit/customers/c1?revision=7', 'revision'],
  ['/audit/customers/c1?revision=1.5', 'revision'],
  ['/audit/customers/c1?revision=1&asOf=2026-01-01', 'revision'],
  ['/audit/customers/c1?revision[$gt]=1', 'revision'],
  ['/audit/customers/c1?asOf=yesterday', 'asOf'],
  ['/audit/customers/c1?asOf=2026-02-30', 'asOf'],
  ['/audit/customers/c1?asOf=', 'asOf'],
  ['/audit/customers/c1/diff', 'from'],
  ['/audit/customers/c1/diff?from=x', 'from'],
  ['/audit/customers/c1/diff?from=0&to=99', 'to'],
  ['/audit/customers/c1/events?limit=0', 'limit'],
  ['/audit/customers/c1/events?limit=501', 'limit'],
  ['/audit/customers/c1/events?after=x', 'after'],
  ['/audit/events?from=x', 'from'],
  ['/audit/events?to=x', 'to'],
  ['/audit/events?actor=jane@example.com', 'actor'],
  ['/audit/events?actor=api_key:a&actor=api_key:b', 'actor'],
  ['/audit/events?types=Nothing', 'types'],
  ['/audit/events?customerId=jane@example.com', 'customerId'],
] as const;

describe('the audit routes', () => {
  it('need audit:read, which audit:read.pii does not imply', async () => {
    await audit.life('c1');
    const others = await authorizationFor(audit.app, 'audit:read.pii', 'admin', 'customers:read', 'events:read.pii');
    for (const url of ROUTES) expect((await audit.get(url, others)).statusCode).toBe(403);
    expect(await audit.auditEvents()).toEqual([]);
  });

  it('find no customer that never was, nor one that could not be', async () => {
    for (const url of ROUTES.slice(0, -1)) {
      const answer = await audit.get(url);
      expect([answer.statusCode, answer.json()]).toMatchObject([
        404,
        { errors: [{ code: 'not_found', parameter: 'id', message: "Customer 'c1' not found" }] },
      ]);
      expect((await audit.get(url.replace('c1', 'jane@example.com'))).statusCode).toBe(404);
    }
    // That somebody asked is written down, but no name that is none of a customer.
    const asked = await audit.auditEvents();
    expect(asked.map(({ data }) => data['customerId'])).toEqual(['c1', 'c1', 'c1']);
  });

  it('refuse what they can not take, naming it and not repeating it', async () => {
    await audit.life('c1');
    for (const [url, parameter] of BAD) {
      const answer = await audit.get(url);
      expect([url, answer.statusCode, answer.json()]).toMatchObject([url, 400, { errors: [{ parameter }] }]);
      expect(answer.body).not.toContain('jane@');
    }
  });

  it('answer a cursor of another log with 410', async () => {
    await audit.life('c1');
    const cursor = new LogCursors('another', audit.app.stores.eventStore).write(undefined);
    for (const url of ['/audit/customers/c1/events', '/audit/events'])
      expect((await audit.get(`${url}?after=${cursor}`)).statusCode).toBe(410);
  });

  it('write each use down once, with who, what, which customer and when, and nothing personal', async () => {
    await audit.life('c1');
    const reader = await authorizationFor(audit.app, 'audit:read');
    const expected = [];
    for (const [n, url] of [...ROUTES, ...ROUTES].entries()) {
      audit.clock.advance(1_000);
      const headers = { authorization: reader, 'x-request-id': `use-${n}` };
      const answer = await audit.app.request({ method: n % 2 === 0 ? 'GET' : 'HEAD', url, headers });
      expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
      expected.push({ requestId: `use-${n}`, at: audit.clock.now(), method: n % 2 === 0 ? 'GET' : 'HEAD' });
    }
    const events = await audit.auditEvents();
    const [{ id: keyId } = { id: '' }] = (await audit.app.stores.apiKeys.list()).filter(
      ({ name }) => name === 'reader',
    );
    expect(events.length).toBe(expected.length);
    for (const [n, event] of events.entries()) {
      const { method, ...facts } = expected[n]!;
      expect(readMetadata(event)).toMatchObject({ ...facts, actor: { type: 'api_key', id: keyId }, prevHash: null });
      expect(readMetadata(event).hash).toBe(hashEvent(event));
      expect(event).toMatchObject({ type: 'AuditAccessed', revision: 0, data: { customerId: 'c1' } });
      const route = ROUTES[n % ROUTES.length]?.split('?')[0]?.replace('c1', ':id') ?? '';
      expect(event.data).toMatchObject({ action: `${method} ${route}`, details: { personal: false } });
    }
    expect(new Set(events.map(({ stream }) => stream)).size).toBe(events.length);
    expect(holdsSecret(events)).toBe(false);
  });

  it('are nothing to those who follow customers: they pass them, and are not kept from the head', async () => {
    await audit.life('c1');
    const before = await wholeFeed(audit.app);
    for (const url of ROUTES) await audit.got(url);
    await audit.app.settled();
    expect(await wholeFeed(audit.app)).toEqual(before);
    const { next, hasMore } = await feedPage(audit.app, { customerId: 'c1' });
    expect(hasMore).toBe(false);
    for (const url of ROUTES) await audit.got(url);
    await audit.change('/customers/c1', { enabled: true });
    expect((await feedPage(audit.app, { after: next })).data.map(({ type }) => type)).toEqual(['customer.enabled']);
    expect((await audit.app.request({ method: 'GET', url: '/health/ready' })).statusCode).toBe(200);
  });
});

describe('the audit while the log takes nothing', () => {
  it('shows nothing: 503', async () => {
    await audit.close();
    let broken = false;
    const wrap = (stores: Stores): Stores => ({
      ...stores,
      eventStore: new Proxy(stores.eventStore, {
        get: (store, name) => {
          const value: unknown = Reflect.get(store, name);
          if (name === 'append' && broken) return () => Promise.reject(new StoreUnavailable('event_log'));
          return typeof value === 'function' ? (value.bind(store) as EventStore[keyof EventStore]) : value;
        },
      }),
    });
    audit = await AuditApp.start({ wrap });
    await audit.life('c1');
    broken = true;
    for (const url of ROUTES) {
      const answer = await audit.get(url);
      expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '2']);
      expect(holdsSecret(answer.body)).toBe(false);
    }
    broken = false;
    expect(await audit.auditEvents()).toEqual([]);
  });
});
