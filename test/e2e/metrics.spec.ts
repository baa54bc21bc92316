import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Stores } from '../../src/adapters.js';
import { WrongExpectedRevision } from '../../src/event-sourcing/event-store.js';
import { LogFollowers } from '../../src/event-sourcing/log-followers.js';
import { OutcomeUnknown, StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { answeredCalls, brokenMessages, Canaries, refusedCalls } from '../faults/canaries-entries.js';
import { find, formsOfText, placeOf } from '../faults/canaries-search.js';
import { type Call, HttpCaller } from '../support/http-call.js';
import { samplesOf, valueOf } from '../support/metrics-text.js';
import { logOnServer } from '../support/servers.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';

const DAY_MS = 86_400_000;

/** Every figure of the service's own, with its labels. A histogram has `_bucket`, `_count` and `_sum`. */
const METRICS: Readonly<Record<string, readonly string[]>> = {
  customers_append_duration_seconds: [],
  customers_another_log: [],
  customers_appends_total: ['outcome'],
  customers_audit_leaves: [],
  customers_audit_signing_failures_total: [],
  customers_audit_unsigned_seconds: [],
  customers_audit_witness_failures: [],
  customers_command_retries_total: ['command'],
  customers_store_faults_total: ['kind', 'store'],
  customers_commands_total: ['command', 'outcome'],
  customers_erasures_pending: ['stage'],
  customers_events_appended_total: [],
  customers_follower_lag_events: ['follower'],
  customers_follower_lag_seconds: ['follower'],
  customers_follower_lease_held: ['follower'],
  customers_follower_restarts_total: ['follower'],
  customers_follower_state: ['follower', 'state'],
  customers_log_subscription_restarts_total: [],
  customers_key_store_operations_total: ['operation', 'outcome'],
  customers_keys_missing_total: [],
  customers_queries_total: ['outcome', 'query'],
  customers_read_gate_closed: [],
  customers_streams_set_aside: ['damage'],
  http_request_duration_seconds: ['method', 'route', 'status'],
};

/** What stands in for single methods of a port, while it does. */
type Faults<T> = { -readonly [K in keyof T]?: T[K] };

const breakable = <T extends object>(port: T, faults: Faults<T>): T =>
  new Proxy(port, {
    get: (target, name) => {
      const value: unknown = Reflect.get(faults, name) ?? Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

interface Broken {
  readonly log: Faults<Stores['eventStore']>;
  readonly views: Faults<Stores['customerViews']>;
  readonly keys: Faults<Stores['subjectKeys']>;
}

const noFaults = (): Broken => ({ log: {}, views: {}, keys: {} });

/** The service with stores that can be broken, over real sockets. */
class Session {
  readonly canaries = new Canaries();

  private constructor(
    readonly app: TestApp,
    readonly http: HttpCaller,
    readonly clock: TestClock,
    readonly broken: Broken,
  ) {}

  static async start(): Promise<Session> {
    const [clock, broken] = [new TestClock(), noFaults()];
    const wrap = (stores: Stores): Stores => ({
      ...stores,
      eventStore: breakable(stores.eventStore, broken.log),
      customerViews: breakable(stores.customerViews, broken.views),
      subjectKeys: breakable(stores.subjectKeys, broken.keys),
    });
    const app = await startTestApp({ clock, wrap });
    return new Session(app, new HttpCaller(await app.listen(), app.secret), clock, broken);
  }

  /** As anyone gets it: without a key. */
  async metrics(): Promise<string> {
    const answer = await this.http.call({ path: '/metrics', headers: { authorization: '' } });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    return answer.text;
  }

  async value(name: string, labels?: Readonly<Record<string, string>>): Promise<number | undefined> {
    return valueOf(await this.metrics(), name, labels);
  }

  async until(
    expected: number | ((value: number | undefined) => boolean),
    name: string,
    labels?: Readonly<Record<string, string>>,
  ): Promise<void> {
    const holds = typeof expected === 'number' ? (value: number | undefined) => value === expected : expected;
    while (!holds(await this.value(name, labels))) await delay(10);
  }

  post(path: string, body?: unknown, headers = {}): Promise<number> {
    return this.status({ method: 'POST', path, body, headers });
  }

  async status(call: Call): Promise<number> {
    return (await this.http.call(call)).status;
  }

  async close(): Promise<void> {
    this.http.close();
    await this.app.close();
  }
}

let session: Session;
beforeEach(async () => {
  session = await Session.start();
});
afterEach(() => session.close());

describe('the metrics after a session with all there is in it', () => {
  it('are all there, and have these labels', async () => {
    await everything(session);
    const labels: Record<string, Set<string>> = {};
    for (const sample of samplesOf(await session.metrics())) {
      const name = sample.name.replace(/_(bucket|count|sum)$/, '');
      if (!/^(customers|http)_/.test(name)) continue;
      const names = (labels[name] ??= new Set());
      for (const label of Object.keys(sample.labels)) if (label !== 'le') names.add(label);
    }
    expect(Object.fromEntries(Object.entries(labels).map(([name, names]) => [name, [...names].sort()]))).toEqual(
      METRICS,
    );
  });

  it('tell of the process, too', async () => {
    const names = new Set(samplesOf(await session.metrics()).map(({ name }) => name));
    for (const name of ['process_start_time_seconds', 'process_resident_memory_bytes', 'nodejs_version_info'])
      expect(names).toContain(name);
  });

  it('hold nothing of what was sent: no id, no address, no value of any kind', async () => {
    const { canaries } = session;
    await everything(session);
    const text = await session.metrics();
    const places = [placeOf('/metrics', text)];
    const ids = ['kept-4711', 'gone-4711'].map((value) => ({ where: 'id', value }));
    const uuids = samplesOf(text).flatMap(({ labels }) =>
      Object.values(labels).filter((label) => /[0-9a-f]{8}-/.test(label)),
    );
    expect(canaries.all.length).toBeGreaterThan(150);
    expect(
      find(
        [...canaries.all, ...ids].flatMap(({ where, value }) => formsOfText(value, `${where}: `)),
        places,
      ),
    ).toEqual([]);
    expect(uuids).toEqual([]);
    // What may be found is found.
    expect(text).toContain('route="/customers/:id/sources/:sourceId"');
  });

  it('have labels from small sets only', async () => {
    await everything(session);
    const values: Record<string, Set<string>> = {};
    for (const { name, labels } of samplesOf(await session.metrics())) {
      if (!/^(customers|http)_/.test(name)) continue;
      for (const [label, value] of Object.entries(labels)) (values[label] ??= new Set()).add(value);
    }
    const { le: _, ...sets } = Object.fromEntries(
      Object.entries(values).map(([label, set]) => [label, [...set].sort()]),
    );
    expect(sets).toEqual({
      command: ['AttachSource', 'CreateCustomer', 'DeleteCustomer', 'DetachSource', 'EraseCustomer', 'ForgetCustomer', 'LiftLegalHold', 'PlaceLegalHold', 'UpdateCustomer'],
      damage: ['altered', 'cut', 'removed'],
      follower: ['audit-tree', 'erasures', 'projector', 'receipts', 'sources', 'webhooks'],
      kind: ['busy', 'damaged', 'full', 'io_error', 'missing', 'permission', 'unreachable'],
      method: expect.arrayContaining(['DELETE', 'GET', 'POST', 'PUT', 'other']),
      operation: ['create', 'destroy', 'find', 'find_many', 'secret'],
      outcome: ['appended', 'conflict', 'done', 'failed', 'key_missing', 'refused', 'unavailable', 'unknown'],
      query: ['GetCustomer', 'ListCustomers'],
      route: ['/audit/customers/:id/events', '/audit/events', '/customers', '/customers/:id', '/customers/:id/sources/:sourceId', '/docs', '/health/live', '/health/ready', '/metrics', '/openapi.json', 'unknown'],
      stage: ['due', 'requested'],
      state: ['degraded', 'following', 'retrying', 'stopped', 'suspended', 'waiting'],
      status: expect.arrayContaining(['200', '201', '204', '400', '401', '404', '405', '409', '412', '503']),
      store: ['event_log', 'read_model', 'subject_keys'],
    }); // prettier-ignore
  });
});

describe('an address that is none of ours', () => {
  it('adds nothing to the metrics but to one count, however many there are', async () => {
    const paths = Array.from(
      { length: 200 },
      () => `/${randomBytes(8).toString('hex')}/${randomUUID()}?q=${randomUUID()}`,
    );
    const series = async (): Promise<string[]> =>
      samplesOf(await session.metrics()).map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`);
    await session.status({ path: '/nowhere' });
    await session.metrics();
    const before = await series();
    for (const path of paths) expect(await session.status({ path })).toBe(404);
    expect(await series()).toEqual(before);
    expect(await session.value('http_request_duration_seconds_count', { route: 'unknown', status: '404' })).toBe(201);
  });

  it('is one with every other, whatever the method', async () => {
    for (const method of ['PROPFIND', 'SEARCH', 'LOCK', 'MKCOL'])
      await session.status({ method, path: `/${method}/1` });
    const labels = samplesOf(await session.metrics())
      .filter(({ name }) => name === 'http_request_duration_seconds_count')
      .map(({ labels: { method, route } }) => `${method} ${route}`);
    expect([...new Set(labels)]).toEqual(['other unknown']);
  });
});

describe('requests', () => {
  it('are counted by the template of their route, with or without a slash at its end, an encoded id or a query', async () => {
    await session.post('/customers', { id: 'a.b' });
    for (const path of [
      '/customers/a.b',
      '/customers/a%2Eb',
      '/customers/a.b/',
      '/customers/a.b?x=1',
      '/customers/nobody',
    ])
      await session.status({ path });
    const counts = async (status: string) =>
      session.value('http_request_duration_seconds_count', { method: 'GET', route: '/customers/:id', status });
    expect([await counts('200'), await counts('404')]).toEqual([4, 1]);
  });
});

describe('commands, queries and appends', () => {
  it('are counted by name and by what came of them', async () => {
    await session.post('/customers', { id: 'c1', email: 'jane@example.com' });
    expect(await session.post('/customers', { id: 'c1', locale: 'en_US' })).toBe(409);
    expect(await session.post('/customers/c1', { locale: 'en_US' }, { 'if-match': '"7"' })).toBe(412);
    expect(await session.status({ path: '/customers/nobody' })).toBe(404);
    const text = await session.metrics();
    expect(valueOf(text, 'customers_commands_total', { command: 'CreateCustomer', outcome: 'done' })).toBe(1);
    expect(valueOf(text, 'customers_commands_total', { command: 'CreateCustomer', outcome: 'refused' })).toBe(1);
    expect(valueOf(text, 'customers_commands_total', { command: 'UpdateCustomer', outcome: 'refused' })).toBe(1);
    expect(valueOf(text, 'customers_queries_total', { query: 'GetCustomer', outcome: 'refused' })).toBe(1);
    expect(valueOf(text, 'customers_appends_total', { outcome: 'appended' })).toBe(1);
    expect(valueOf(text, 'customers_appends_total', { outcome: 'conflict' })).toBe(1);
    expect(valueOf(text, 'customers_key_store_operations_total', { operation: 'secret' })).toBe(4);
    // Counts that are only asked for again stay as they are.
    const own = (all: string): unknown => samplesOf(all).filter(({ name }) => /^customers_\w+_total$/.test(name));
    expect(own(await session.metrics())).toEqual(own(text));
  });

  it('tell a command that is decided again after a conflict', async () => {
    const { broken } = session;
    const { eventStore } = session.app.stores;
    await session.post('/customers', { id: 'c1' });
    expect(await session.value('customers_command_retries_total')).toBe(0);
    let conflicts = 2;
    broken.log.append = async (stream, expected, events) => {
      if (conflicts-- > 0) throw new WrongExpectedRevision(stream, expected);
      delete broken.log.append;
      return eventStore.append(stream, expected, events);
    };
    expect(await session.post('/customers/c1', { locale: 'en_US' })).toBe(200);
    const text = await session.metrics();
    expect(valueOf(text, 'customers_command_retries_total', { command: 'UpdateCustomer' })).toBe(2);
    expect(valueOf(text, 'customers_command_retries_total')).toBe(2);
    expect(valueOf(text, 'customers_appends_total', { outcome: 'conflict' })).toBe(2);
  });

  it('tell an outage from an unknown outcome, from a missing key and from a fault of ours', async () => {
    const { broken } = session;
    await session.post('/customers', { id: 'c1', email: 'jane@example.com' });
    const update = (locale: string): Promise<number> => session.post('/customers/c1', { locale });

    broken.log.append = () => Promise.reject(new StoreUnavailable('event_log'));
    expect(await update('de_DE')).toBe(503);
    delete broken.log.append;

    broken.log.read = () => Promise.reject(new TypeError('broken'));
    expect(await update('fr_FR')).toBe(500);
    delete broken.log.read;

    session.clock.advance(60_000);
    broken.keys.find = () => Promise.resolve({ status: 'none' });
    expect(await update('it_IT')).toBe(503);
    broken.keys.find = () => Promise.reject(new StoreUnavailable('subject_keys'));
    expect(await update('es_ES')).toBe(503);

    const text = await session.metrics();
    const updates = (outcome: string) =>
      valueOf(text, 'customers_commands_total', { command: 'UpdateCustomer', outcome });
    expect(['unavailable', 'failed', 'key_missing'].map(updates)).toEqual([2, 1, 1]);
    expect(valueOf(text, 'customers_keys_missing_total')).toBe(1);
    expect(valueOf(text, 'customers_appends_total', { outcome: 'unavailable' })).toBe(1);
    const finds = { operation: 'find', outcome: 'unavailable' };
    expect(valueOf(text, 'customers_key_store_operations_total', finds)).toBe(1);
  });

  it('tell an append whose answer was lost', async () => {
    const { broken } = session;
    const { eventStore } = session.app.stores;
    await session.post('/customers', { id: 'c1' });
    broken.log.append = async (stream, expected, events) => {
      delete broken.log.append;
      await eventStore.append(stream, expected, events);
      throw new OutcomeUnknown();
    };
    expect(await session.post('/customers/c1', { locale: 'en_US' })).toBe(200);
    const text = await session.metrics();
    expect(valueOf(text, 'customers_appends_total', { outcome: 'unknown' })).toBe(1);
    expect(valueOf(text, 'customers_commands_total', { command: 'UpdateCustomer', outcome: 'done' })).toBe(1);
  });
});

describe('what follows the log', () => {
  const projector = { follower: 'projector' };

  it('holds its lease, follows and has no lag while all is well', async () => {
    await session.post('/customers', { id: 'c1' });
    await session.app.settled();
    const text = await session.metrics();
    for (const follower of ['projector', 'erasures', 'sources', 'webhooks']) {
      expect(valueOf(text, 'customers_follower_lease_held', { follower })).toBe(1);
      expect(valueOf(text, 'customers_follower_state', { follower, state: 'following' })).toBe(1);
      expect(valueOf(text, 'customers_follower_state', { follower })).toBe(1);
    }
    expect(valueOf(text, 'customers_follower_restarts_total')).toBe(0);
    await session.until(0, 'customers_follower_lag_events');
  });

  it('shows how far behind it is, that it begins anew, and that reads are refused meanwhile', async () => {
    const { broken } = session;
    broken.views.versions = () => Promise.reject(new StoreUnavailable('read_model'));
    broken.views.save = () => Promise.reject(new StoreUnavailable('read_model'));
    for (const id of ['c1', 'c2', 'c3']) expect(await session.post('/customers', { id })).toBe(201);
    // Such a log does not count its events: how many there are is told from the distance of positions.
    const three = logOnServer ? (lag = 0) => lag > 0 : 3;
    await session.until(three, 'customers_follower_lag_events', projector);
    session.clock.advance(90_000);
    const text = await session.metrics();
    expect(valueOf(text, 'customers_follower_lag_seconds', projector)).toBe(90);
    expect(valueOf(text, 'customers_follower_restarts_total', projector)).toBeGreaterThan(0);
    expect(valueOf(text, 'customers_read_gate_closed')).toBe(1);
    // Between two tries it follows.
    await session.until(1, 'customers_follower_state', { ...projector, state: 'retrying' });

    delete broken.views.versions;
    delete broken.views.save;
    // Nobody reads: the gate is asked by who asks for the metrics.
    await session.until(0, 'customers_read_gate_closed');
    await session.until(0, 'customers_follower_lag_events');
    expect(await session.value('customers_follower_lag_seconds', projector)).toBe(0);
    // A count that is asked for again does not grow by that.
    const { restarts } = session.app.service.app.get(LogFollowers).status['projector']!;
    expect(await session.value('customers_follower_restarts_total', projector)).toBe(restarts);
  });
});

describe('pending erasures', () => {
  const pending = async (stage: string): Promise<number | undefined> => {
    session.clock.advance(10_000);
    return session.value('customers_erasures_pending', { stage });
  };

  it('are the open requests, and among them those whose grace period is over', async () => {
    for (const id of ['c1', 'c2', 'c3']) await session.post('/customers', { id });
    expect([await pending('requested'), await pending('due')]).toEqual([0, 0]);
    for (const id of ['c1', 'c2']) await session.post(`/customers/${id}`, { requestToBeForgotten: true });
    expect([await pending('requested'), await pending('due')]).toEqual([2, 0]);
    await session.post('/customers/c2', { requestToBeForgotten: false });
    expect(await pending('requested')).toBe(1);
    session.clock.advance(28 * DAY_MS);
    expect([await pending('requested'), await pending('due')]).toEqual([1, 1]);
    await session.app.service.dueErasures.run();
    expect([await pending('requested'), await pending('due')]).toEqual([0, 0]);
  });

  it('are asked for at most every ten seconds, however often the metrics are', async () => {
    let asked = 0;
    session.broken.views.dueForErasure = async () => {
      asked += 1;
      return [];
    };
    session.clock.advance(10_000);
    await Promise.all(Array.from({ length: 20 }, () => session.metrics()));
    expect(asked).toBe(2);
  });

  it('are not a number while the views do not answer, also when they never do; all else is there', async () => {
    const { views } = session.broken;
    for (const answer of [
      () => Promise.reject(new StoreUnavailable('read_model')),
      () => new Promise<never>(() => undefined),
    ]) {
      views.dueForErasure = answer;
      expect(await pending('due')).toBeNaN();
      expect(await session.value('customers_appends_total')).toBe(0);
    }
  });
});

describe('of two services in one process', () => {
  it('each tells its own', async () => {
    const other = await Session.start();
    await session.post('/customers', { id: 'c1' });
    expect(await session.value('customers_events_appended_total')).toBe(1);
    expect(await other.value('customers_events_appended_total')).toBe(0);
    await other.close();
  });
});

/** Calls of every operation and to everything beside them, accepted, refused and in an outage. */
async function everything({ canaries, http, app, broken, clock }: Session): Promise<void> {
  const post = (path: string, body?: unknown, headers = {}): Promise<unknown> =>
    http.call({ method: 'POST', path, body, headers });
  const [kept, gone, sourceId] = ['kept-4711', 'gone-4711', randomUUID()];
  for (const id of [kept, gone]) {
    await post('/customers', { id, ...creatable(canaries, id) }, { 'idempotency-key': canaries.email('key') });
    await post(`/customers/${id}`, { metadata: { [canaries.text('key')]: canaries.text('value') } });
  }
  await post(`/customers/${kept}/sources/${sourceId}`);
  await http.call({ method: 'DELETE', path: `/customers/${kept}/sources/${sourceId}` });
  await post(`/customers/${kept}`, { locale: 'en_US' }, { 'if-match': '"99"' });
  await http.call({ method: 'DELETE', path: `/customers/${gone}` });
  for (const call of refusedCalls(canaries, kept)) await http.call(call);
  for (const call of answeredCalls(canaries, kept, canaries.last(`${kept} email`))) await http.call(call);
  for (const message of brokenMessages(canaries)) await http.raw(message);
  for (const path of ['/docs', '/health/ready', '/metrics']) await http.call({ path });
  await http.call({ method: 'REPORT', path: `/${encodeURIComponent(canaries.email('odd method'))}` });
  broken.log.append = () => Promise.reject(new StoreUnavailable('event_log'));
  await post(`/customers/${kept}`, { email: canaries.email('in an outage') });
  delete broken.log.append;
  await post(`/customers/${kept}`, { requestToBeForgotten: true });
  clock.advance(29 * DAY_MS);
  await app.service.dueErasures.run();
  await post(`/customers/${kept}`, { email: canaries.email('after the erasure') });
}

function creatable(canaries: Canaries, id: string): Record<string, unknown> {
  const personal = canaries.personal(id) as { readonly shipping: { readonly address: object } };
  const { shipping } = personal;
  return {
    ...personal,
    shipping: { ...shipping, address: { ...shipping.address, country: 'DE' } },
    taxCertificate: undefined,
  };
}
