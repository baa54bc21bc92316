import { setImmediate as turn } from 'node:timers/promises';
import { CloudEvent as SdkEvent } from 'cloudevents';
import { CUSTOMER_PREFIX, customerStream, isCustomerId } from '../../src/customers/streams.js';
import { type CloudEvent, EVENT_TYPES } from '../../src/subscribers/cloud-event.js';
import { LogCursors } from '../../src/subscribers/log-cursors.js';
import { authorizationFor, feedPage, wholeFeed } from '../support/event-readers.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';
import { appendByNewerRelease } from '../support/written-events.js';

const SOURCE = 'fd74a5c5-0163-469a-ae8e-031f0259b576';
const OTHER_SOURCE = 'fd74a5c5-0163-469a-ae8e-031f0259b577';
const SECRETS = { email: 'jane.canary@example.com', name: 'Jane Canary', tier: 'canary-gold', company: 'Canary Ltd' };
const CERTIFICATE = {
  companyName: SECRETS.company,
  taxAuthority: 'T',
  startDate: '2026-01-01',
  endDate: '2026-12-31',
  fileId: 'f-1',
};
const SHIPPING = { name: SECRETS.name, address: { country: 'US' } };

const holdsSecret = (value: unknown): boolean =>
  Object.values(SECRETS).some((secret) => JSON.stringify(value).includes(secret));

const sequences = (events: readonly CloudEvent[], id: string): number[] =>
  events.filter(({ subject }) => subject === id).map(({ sequence }) => Number(sequence));

describe('GET /events', () => {
  let app: TestApp;
  let clock: TestClock;
  const post = async (url: string, body?: unknown, headers = {}): Promise<void> => {
    const { statusCode, body: text } = await app.request({ method: 'POST', url, body, headers });
    if (statusCode >= 300) throw new Error(text);
  };
  const remove = (url: string) => app.request({ method: 'DELETE', url });

  beforeEach(async () => {
    clock = new TestClock();
    app = await startTestApp({ clock });
  });
  afterEach(() => app.close());

  /** Every fact that can happen to a customer but the erasure. */
  async function wholeLife(id: string): Promise<void> {
    await post('/customers', { id, email: SECRETS.email, locale: 'en_US' }, { 'x-request-id': 'request-1' });
    await post(`/customers/${id}`, { email: null, locale: 'de_DE', type: 'business', enabled: false });
    await post(`/customers/${id}`, {
      shipping: SHIPPING,
      metadata: { tier: SECRETS.tier },
      taxCertificate: CERTIFICATE,
    });
    await post(`/customers/${id}`, { enabled: true });
    for (const source of [SOURCE, OTHER_SOURCE]) await post(`/customers/${id}/sources/${source}`);
    await remove(`/customers/${id}/sources/${SOURCE}`);
    for (const requestToBeForgotten of [true, false]) await post(`/customers/${id}`, { requestToBeForgotten });
  }

  it('tells everything that happened to a customer, in order and without gaps, as valid CloudEvents', async () => {
    await wholeLife('c1');
    await app.request({ method: 'PUT', url: '/customers/c1/legal-hold' });
    await remove('/customers/c1/legal-hold');
    await post('/customers/c1', { requestToBeForgotten: true });
    await remove('/customers/c1');
    const { data, hasMore } = await feedPage(app);
    const erased = EVENT_TYPES.CustomerErased;
    expect(new Set(data.map(({ type }) => type))).toEqual(
      new Set(Object.values(EVENT_TYPES).filter((type) => type !== erased)),
    );
    expect(sequences(data, 'c1')).toEqual(data.map((_, index) => index));
    expect(hasMore).toBe(false);
    for (const event of data) {
      expect(new SdkEvent({ ...event }).validate()).toBe(true);
      expect(Object.keys(event).every((name) => /^[a-z0-9]{1,20}$/.test(name))).toBe(true);
    }
    const [created] = data;
    expect(created).toMatchObject({
      source: `/event-logs/${await app.stores.eventStore.logId()}`,
      subject: 'c1',
      partitionkey: 'c1',
      sequence: '0000000000',
      correlationid: 'request-1',
      time: new Date(app.clock.now()).toISOString(),
    });
  });

  it('tells the new values under the names of the customer resource, null for what was cleared', async () => {
    await wholeLife('c1');
    const told = new Map((await wholeFeed(app)).map(({ type, data }) => [type, data]));
    const createdTime = new Date(app.clock.now()).toISOString();
    const facts: Record<string, object> = {
      'customer.created': { email: SECRETS.email, locale: 'en_US', enabled: true, requestToBeForgotten: false },
      'customer.email_changed': { email: null },
      'customer.locale_changed': { locale: 'de_DE' },
      'customer.type_changed': { type: 'business' },
      'customer.disabled': { enabled: false },
      'customer.enabled': { enabled: true },
      'customer.shipping_changed': { shipping: SHIPPING },
      'customer.metadata_changed': { metadata: { tier: SECRETS.tier } },
      'customer.tax_certificate_added': { taxCertificate: CERTIFICATE },
      'customer.source_attached': {
        source: { id: OTHER_SOURCE, customerId: 'c1', state: 'chargeable', reusable: true, createdTime },
      },
      'customer.source_detached': { sourceId: SOURCE },
      'customer.default_source_changed': { defaultSourceId: OTHER_SOURCE },
      'customer.forget_requested': { requestToBeForgotten: true, dueAt: expect.any(String) },
      'customer.forget_request_withdrawn': { requestToBeForgotten: false },
    };
    for (const [type, data] of Object.entries(facts)) {
      expect([type, told.get(type as CloudEvent['type'])]).toEqual([type, { customerId: 'c1', ...data }]);
    }
  });

  it('names personal fields in redacted, and holds no value of theirs, for a key without the scope', async () => {
    await wholeLife('c1');
    const events = await wholeFeed(app, {}, await authorizationFor(app, 'events:read'));
    expect(holdsSecret(events)).toBe(false);
    const hidden = events.flatMap(({ data: { redacted = [] } }) => redacted);
    expect(hidden.sort()).toEqual(['email', 'metadata', 'shipping', 'taxCertificate']);
    expect(holdsSecret(await wholeFeed(app))).toBe(true);
  });

  it('needs events:read, which events:read.pii does not imply', async () => {
    const headers = { authorization: await authorizationFor(app, 'events:read.pii', 'customers:read') };
    expect((await app.request({ method: 'GET', url: '/events', headers })).statusCode).toBe(403);
  });

  it.each([['deleted'], ['erased at the end of the grace period']])(
    'holds no personal value from the moment a customer is %s, names the fields, and tells of the event all the same',
    async (how) => {
      await wholeLife('c1');
      await post('/customers', { id: 'c2', email: SECRETS.email });
      const before = await wholeFeed(app, { customerId: 'c1' });
      if (how === 'deleted') await remove('/customers/c1');
      else {
        await post('/customers/c1', { requestToBeForgotten: true });
        clock.advance(29 * 24 * 3_600_000);
        await app.service.dueErasures.run();
      }
      // At once: whether the key is destroyed by now or not.
      const after = await wholeFeed(app, { customerId: 'c1' });
      expect(holdsSecret(before)).toBe(true);
      expect(holdsSecret(after)).toBe(false);
      expect(after.slice(0, before.length).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
      expect(after.flatMap(({ data: { erased = [] } }) => erased).sort()).toEqual([
        'email',
        'metadata',
        'shipping',
        'taxCertificate',
      ]);
      while ((await app.privacy.keys.find({ subject: 'c1', revision: 1 })) !== 'erased') await turn();
      expect(await wholeFeed(app, { customerId: 'c1' })).toEqual(after);
      expect((await wholeFeed(app, { customerId: 'c2' })).some((event) => holdsSecret(event))).toBe(true);
    },
  );

  it('opens a customer who was created anew, while the life before stays erased', async () => {
    await post('/customers', { id: 'c1', email: SECRETS.email });
    await remove('/customers/c1');
    await post('/customers', { id: 'c1', email: 'anew@example.com' });
    const [first, , second] = await wholeFeed(app);
    expect(first?.data).toMatchObject({ erased: ['email'] });
    expect(second?.data).toMatchObject({ email: 'anew@example.com' });
  });

  it('is the same again, page by page, whatever the size of the pages', async () => {
    for (let n = 0; n < 30; n += 1) {
      const id = `c${n % 7}`;
      if (n < 7) await post('/customers', { id, email: SECRETS.email });
      else await post(`/customers/${id}`, { enabled: Math.floor(n / 7) % 2 === 0 });
    }
    const whole = await wholeFeed(app, { limit: 1000 });
    expect(whole.length).toBe(30);
    for (const limit of [1, 3, 7, 100]) expect(await wholeFeed(app, { limit })).toEqual(whole);
    const log = [];
    const signal = AbortSignal.timeout(5_000);
    for await (const message of app.stores.eventStore.subscribe({ prefixes: [CUSTOMER_PREFIX], signal })) {
      if (message.kind === 'caught_up') break;
      if (message.kind === 'event') log.push(message.event.id);
    }
    expect(whole.map(({ id }) => id)).toEqual(log);
  });

  it('goes on with what came after its last cursor, and says so when there is nothing', async () => {
    const nothing = await feedPage(app);
    expect(nothing).toMatchObject({ data: [], hasMore: false });
    await post('/customers', { id: 'c1' });
    const first = await feedPage(app, { after: nothing.next });
    expect(sequences(first.data, 'c1')).toEqual([0]);
    expect(await feedPage(app, { after: first.next })).toMatchObject({ data: [], hasMore: false, next: first.next });
    await post('/customers/c1', { enabled: false });
    expect(sequences((await feedPage(app, { after: first.next })).data, 'c1')).toEqual([1]);
  });

  it('filters by type and by customer, with cursors that are good for any filter', async () => {
    for (const id of ['c1', 'c2', 'c3']) await post('/customers', { id });
    for (const id of ['c1', 'c2', 'c3']) await post(`/customers/${id}`, { enabled: false });
    const whole = await wholeFeed(app);
    const ofType = (await wholeFeed(app, { types: 'customer.disabled', limit: 1 })).map(({ subject }) => subject);
    expect(ofType).toEqual(['c1', 'c2', 'c3']);
    expect(await wholeFeed(app, { customerId: 'c2', limit: 1 })).toEqual(
      whole.filter(({ subject }) => subject === 'c2'),
    );
    expect(await wholeFeed(app, { customerId: 'c2', types: 'customer.disabled,customer.erased' })).toHaveLength(1);
    expect(await wholeFeed(app, { customerId: 'nobody' })).toEqual([]);
    const { next } = await feedPage(app, { limit: 3 });
    expect(await wholeFeed(app, { after: next, customerId: 'c2' })).toEqual([whole[4]]);
    const { next: behind } = await feedPage(app, { customerId: 'c2' });
    expect(await feedPage(app, { after: behind })).toMatchObject({ data: [], hasMore: false });
  });

  it('finds its place in a long history of one customer', async () => {
    await post('/customers', { id: 'c1' });
    for (let n = 0; n < 40; n += 1) await post('/customers/c1', { enabled: n % 2 === 1 });
    const whole = await wholeFeed(app, { customerId: 'c1' });
    for (const limit of [1, 6, 17]) {
      expect(await wholeFeed(app, { customerId: 'c1', limit })).toEqual(whole);
    }
  });

  it.each([
    ['after=x', 'after'],
    ['after=', 'after'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['types=customer.promoted', 'types'],
    ['types=', 'types'],
    ['customerId=', 'customerId'],
    ['customerId=jane@example.com', 'customerId'],
    ['customerId=c1%00x', 'customerId'],
    ['after[gte]=1', 'after'],
  ])('refuses ?%s', async (query, parameter) => {
    const answer = await app.request({ method: 'GET', url: `/events?${query}` });
    expect([answer.statusCode, answer.json()]).toEqual([
      400,
      { type: 'bad_request', errors: [{ code: 'invalid_parameter', parameter, message: expect.any(String) }] },
    ]);
  });

  it('answers 410 to a cursor of another log, and to one beyond the end of this', async () => {
    const { eventStore } = app.stores;
    await post('/customers', { id: 'c1' });
    const head = (await eventStore.head())!;
    const beyond = `${head}9` as typeof head;
    const strange = [
      new LogCursors('another', eventStore).write(head),
      new LogCursors(await eventStore.logId(), eventStore).write(beyond),
    ];
    for (const cursor of strange) {
      for (const more of ['', '&customerId=c1']) {
        const answer = await app.request({ method: 'GET', url: `/events?after=${cursor}${more}` });
        expect([answer.statusCode, answer.json()]).toMatchObject([
          410,
          { type: 'gone', errors: [{ code: 'cursor_gone', parameter: 'after' }] },
        ]);
      }
    }
  });

  it('holds nothing in a cursor but the log and a place in it', async () => {
    await wholeLife('c1');
    const { next } = await feedPage(app);
    const text = Buffer.from(next, 'base64url').toString();
    const position = (await app.stores.eventStore.head())!;
    expect(text).toMatch(/^[\w-]{8}/);
    expect(text.slice(8)).toBe(`${await app.stores.eventStore.logId()} ${position}`);
    expect(isCustomerId(next)).toBe(false);
  });

  it('comes as a CloudEvents batch to who asks for one, with its cursor in a header', async () => {
    await post('/customers', { id: 'c1' });
    const page = await feedPage(app);
    const batch = await app.request({
      method: 'GET',
      url: '/events',
      headers: { accept: 'application/cloudevents-batch+json, application/json;q=0.5' },
    });
    expect(batch.headers['content-type']).toMatch(/^application\/cloudevents-batch\+json/);
    expect(batch.json()).toEqual(page.data);
    expect(batch.headers).toMatchObject({ 'events-next': page.next, 'events-has-more': 'false' });
    const html = await app.request({ method: 'GET', url: '/events', headers: { accept: 'text/html' } });
    expect(html.statusCode).toBe(406);
  });

  it('stops before an event that a newer release wrote, and answers 503 at it', async () => {
    await post('/customers', { id: 'c1' });
    await appendByNewerRelease(app.stores.eventStore, customerStream('c1'), 'CustomerPromoted');
    const page = await feedPage(app);
    expect(page).toMatchObject({ data: [{ type: 'customer.created' }], hasMore: true });
    for (const query of [`after=${page.next}`, `after=${page.next}&types=customer.deleted`]) {
      const answer = await app.request({ method: 'GET', url: `/events?${query}` });
      expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '2']);
    }
  });
});
