// The life of a fixture's data folder before the release leaves it: six days, in four runs of the service.
import { CERTIFICATE, FULL, ODD, SOURCES } from './customers.mjs';
import { until } from './recorder.mjs';

/**
 * @typedef {object} World
 * @property {import('./recorder.mjs').Recorder} http
 * @property {import('./receiver.mjs').Receiver} receiver
 * @property {(...args: string[]) => Promise<string>} admin runs a command beside the service
 * @property {Record<string, string>} keys secrets of API keys by name
 * @property {Record<string, any>} webhooks by the path of their URL
 * @property {any[]} repeats requests with an Idempotency-Key that took effect
 * @property {string[]} odd ids of customers with values that a later release may refuse
 */

/** @typedef {{ customerId: string, state: string }} Delivery */

const ERASED = ['erased/erasure', 'erased-when-due/erasure', 'deleted/erasure', 'again/erasure?life=1'];
const REPEATS = [
  {
    path: '/customers',
    headers: { 'idempotency-key': 'fixture: created without an id' },
    body: { email: 'auto@example.com' },
  },
  {
    path: '/customers',
    headers: { 'idempotency-key': 'fixture: created with an id' },
    body: { id: 'keyed', type: 'individual' },
  },
];

/** @type {(world: World, body: object) => Promise<any>} */
const create = ({ http }, body) => http.change({ path: '/customers', body });

/** @type {(world: World, id: string, body: object, headers?: Record<string, string>) => Promise<any>} */
const update = ({ http }, id, body, headers = {}) => http.change({ path: `/customers/${id}`, body, headers });

/** @type {(world: World, method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object) => Promise<any>} */
const send = ({ http }, method, path, body) => http.change({ method, path: `/customers/${path}`, body });

/** @type {(world: World, name: 'orders' | 'crm' | 'gone', more: object) => Promise<void>} */
const addWebhook = async ({ http, receiver, webhooks }, name, more) => {
  webhooks[name] = await http.change({ path: '/webhooks', body: { url: receiver.url(name), ...more } });
};

/** @type {(world: World, name: string, are: (delivery: Delivery) => boolean) => Promise<void>} */
const untilDeliveries = ({ http, webhooks }, name, are) =>
  until(`the deliveries to ${name} settle`, async () => {
    const { data } = await http.get({ path: `/webhooks/${webhooks[name].id}/deliveries?limit=100` });
    return data.length > 0 && data.every(are);
  });

/** @type {(world: World, name: string, scopes: string) => Promise<string>} the id of the key */
export const addKey = async ({ admin, keys }, name, scopes) => {
  const printed = await admin('api-keys', 'create', '--name', name, '--scopes', scopes);
  const [, id = '', secret = ''] = /Key (\S+) created.*\n(\S+)/.exec(printed) ?? [];
  keys[name] = secret;
  return id;
};

/** With the key file of a first start and a grace period of two days. @param {World} world */
export const firstRun = async (world) => {
  const { http, admin, receiver } = world;
  await admin('api-keys', 'revoke', await addKey(world, 'revoked', 'customers:read'));
  await addKey(world, 'reader', 'customers:read,events:read,audit:read,webhooks:read');
  receiver.refused = new Set(['parked']);
  await addWebhook(world, 'orders', { personalValues: true });
  await addWebhook(world, 'gone', { types: ['customer.created'] });

  await create(world, { ...FULL, taxCertificate: CERTIFICATE, defaultSourceId: SOURCES[0] });
  const reason = { 'x-reason': 'support_call; Moved to Z%C3%BCrich, told us by phone' };
  await update(world, FULL.id, { locale: 'en_US', metadata: { tier: 'platinum', vip: '' } }, reason);
  await send(world, 'POST', `${FULL.id}/sources/${SOURCES[1]}`);
  await send(world, 'DELETE', `${FULL.id}/sources/${SOURCES[0]}`);
  for (const repeat of REPEATS) await http.change(repeat);
  world.repeats = REPEATS;

  await create(world, { id: 'parked', email: 'parked@example.com' });
  await update(world, 'parked', { email: 'parked.still@example.com' });
  await create(world, { id: 'erased', email: 'erased@example.com', shipping: FULL.shipping });
  await create(world, { id: 'erased-when-due', email: 'due@example.com', metadata: { gone: 'soon' } });
  await update(world, 'erased-when-due', { requestToBeForgotten: true });
  await create(world, { id: 'deleted', email: 'deleted@example.com', defaultSourceId: SOURCES[2] });
  await create(world, { id: 'again', email: 'first.incarnation@example.com', metadata: { incarnation: 1 } });
  await create(world, { id: 'withdrawn', email: 'stays@example.com' });
  await update(world, 'withdrawn', { requestToBeForgotten: true, locale: 'fr_FR' });
  await update(world, 'withdrawn', { requestToBeForgotten: false });
  for (const customer of ODD) {
    const { status } = await http.ask({ path: '/customers', method: 'POST', body: customer });
    if (status === 201) world.odd.push(customer.id);
    else console.error(`This release refuses the customer ${customer.id}; the fixture goes without it`);
  }
  await untilDeliveries(world, 'orders', ({ state, customerId }) =>
    customerId === 'parked' ? state === 'retrying' : state === 'delivered',
  );
};

/**
 * 84 hours later, which is longer than a delivery is retried: with a new master key beside the file's, and a grace period of
 * ten years.
 * @param {World} world
 * @param {boolean} rebuilds
 */
export const secondRun = async (world, rebuilds) => {
  const { http, admin, webhooks } = world;
  await admin('master-key', 'rotate');
  await untilDeliveries(world, 'orders', ({ state, customerId }) => customerId !== 'parked' || state === 'parked');
  // `master-key rotate` does not rewrap the secrets of webhooks: one is replaced, that of `gone` is lost with the key file.
  webhooks.orders = await http.change({
    path: `/webhooks/${webhooks.orders.id}`,
    method: 'PATCH',
    body: { rotateSecret: true, description: 'Orders' },
  });
  webhooks.gone = { id: webhooks.gone.id };
  const types = ['customer.created', 'customer.email_changed', 'customer.locale_changed'];
  await addWebhook(world, 'crm', { types, description: 'CRM' });

  await update(world, FULL.id, { type: 'individual', shipping: { ...FULL.shipping, name: 'Jane Roe' } });
  await create(world, { id: 'held', email: 'held@example.com' });
  await send(world, 'PUT', 'held/legal-hold');
  await create(world, { id: 'held-and-requested', email: 'both@example.com' });
  await update(world, 'held-and-requested', { requestToBeForgotten: true });
  await send(world, 'PUT', 'held-and-requested/legal-hold');
  await create(world, { id: 'once-held', enabled: false });
  await send(world, 'PUT', 'once-held/legal-hold');
  await send(world, 'DELETE', 'once-held/legal-hold');
  await create(world, { id: 'pending', email: 'jane.doe+orders@example.com' });
  await update(world, 'pending', { requestToBeForgotten: true });
  await send(world, 'POST', 'erased/erasure', { reasonCode: 'gdpr_art_17' });
  await send(world, 'DELETE', 'deleted');
  await send(world, 'DELETE', 'again');
  await create(world, { id: 'again', email: 'second.incarnation@example.com', metadata: { incarnation: 2 } });

  await untilDeliveries(world, 'crm', ({ state }) => state === 'retrying');
  await http.change({ path: `/webhooks/${webhooks.crm.id}`, method: 'PATCH', body: { enabled: false } });
  if (rebuilds) await admin('rebuild');
  await admin('audit', 'verify');
};

/** With the new master key alone; ends with a receipt for each erasure and a sound log. @param {World} world */
export const thirdRun = async (world) => {
  const { http, admin } = world;
  const { updatedTime: began } = await update(world, 'once-held', { locale: 'pt_BR' });
  await update(world, FULL.id, { defaultSourceId: SOURCES[1], taxCertificate: { ...CERTIFICATE, taxAuthority: 'CA' } });
  await untilDeliveries(world, 'orders', isSettled);
  await until('there is a receipt of each erasure', async () => {
    const records = await Promise.all(ERASED.map((path) => http.get({ path: `/customers/${path}` })));
    return records.every(({ state }) => state === 'erased');
  });
  // Each question adds an event to the log, so few are asked.
  const isSigned = async () => {
    const [, time = ''] = /^time (.*)$/m.exec(await http.get({ path: '/audit/checkpoint' })) ?? [];
    return time > began;
  };
  await until('a checkpoint of this run is signed', isSigned, 1_000);
  await admin('audit', 'verify');
};

/** The last moments: short, so that the write-ahead logs stay small. @param {World} world */
export const lastRun = async (world) => {
  await create(world, { id: 'late', email: 'late@example.com', metadata: { run: 4 } });
  await update(world, 'late', { email: 'later@example.com' });
  await untilDeliveries(world, 'orders', isSettled);
};

/** @param {Delivery} delivery */
const isSettled = ({ state }) => state === 'delivered' || state === 'parked';
