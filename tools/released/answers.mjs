// The requests that are recorded before the service leaves the folder.
import { FULL, SOURCES } from './customers.mjs';

/** @typedef {import('./recorder.mjs').Recorder} Recorder */
/** @typedef {import('./story.mjs').World} World */

const LIVING = [
  FULL.id,
  'keyed',
  'parked',
  'again',
  'withdrawn',
  'held',
  'held-and-requested',
  'once-held',
  'pending',
  'late',
];
const GONE = ['deleted', 'never-was'];

/** @type {(page: any) => string} */
const lastId = (page) => page.data.at(-1).id;
/** @type {(page: any) => string} */
const nextCursor = (page) => page.next;

/** @param {World} world @returns {Promise<string[]>} the ids of the living customers */
export const recordCustomers = async ({ http, odd, repeats }) => {
  const { id: generated } = await http.get({ path: '/customers?email=auto@example.com' }).then(({ data }) => data[0]);
  const living = [...LIVING, generated, ...odd];
  for (const id of [...living, 'erased', 'erased-when-due', ...GONE]) await http.record({ path: `/customers/${id}` });
  await http.record({ path: '/customers/late', key: 'reader' });
  await http.record({ path: '/customers/late', key: 'late' });
  await http.record({ path: '/customers/late', key: 'revoked' });

  for (const id of [
    'erased',
    'erased-when-due',
    'deleted',
    'again',
    'held',
    'held-and-requested',
    'once-held',
    'pending',
    'late',
  ])
    await http.record({ path: `/customers/${id}/erasure` });
  await http.record({ path: '/customers/again/erasure?life=1' });

  for (const repeat of repeats) await http.record({ method: 'POST', ...repeat });
  const [{ path, headers }] = repeats;
  await http.record({ method: 'POST', path, headers, body: { email: 'another@example.com' } });
  // Sources: attached already, of another customer, of a deleted customer.
  await http.record({ method: 'POST', path: `/customers/${FULL.id}/sources/${SOURCES[1]}` });
  await http.record({ method: 'POST', path: `/customers/late/sources/${SOURCES[1]}` });
  await http.record({ method: 'POST', path: `/customers/late/sources/${SOURCES[2]}` });
  // Changes that are refused.
  await http.record({ method: 'DELETE', path: '/customers/held' });
  await http.record({ method: 'POST', path: '/customers/erased', body: { enabled: true } });
  await http.record({ method: 'POST', path: '/customers', body: { id: 'late' } });
  await http.record({
    method: 'POST',
    path: '/customers/late',
    headers: { 'if-match': '"0"' },
    body: { enabled: false },
  });
  return living;
};

/** @param {Recorder} http */
export const recordLists = async (http) => {
  await http.record({ path: '/customers' });
  await http.recordPages('/customers?limit=7', lastId, 'startingAfter');
  const { createdTime, updatedTime } = await http.get({ path: `/customers/${FULL.id}` });
  const { createdTime: pendingTime } = await http.get({ path: '/customers/pending' });
  for (const query of [
    `limit=3&endingBefore=${FULL.id}`,
    'limit=3&startingAfter=deleted',
    'limit=3&endingBefore=erased',
    'email=JANE.DOE%2Borders@EXAMPLE.com',
    'email=first.incarnation@example.com',
    'email=second.incarnation@example.com',
    'email=erased@example.com',
    'email=auto@example.com',
    `email=${encodeURIComponent('σίσυφος@example.com')}`,
    'requestToBeForgotten=true',
    'requestToBeForgotten=false&limit=2',
    `ids=${FULL.id},deleted,erased,late&requestToBeForgotten=0`,
    'ids=late&ids=held',
    `createdTime[gte]=${pendingTime}`,
    `createdTime=${createdTime}`,
    `createdTime[gt]=${createdTime}&createdTime[lt]=${pendingTime}&limit=4`,
    `updatedTime[lte]=${updatedTime}&limit=4`,
    `updatedTime[gt]=${updatedTime}`,
    'startingAfter=never-was',
  ])
    await http.record({ path: `/customers?${query}` });
};

/** @param {Recorder} http */
export const recordFeed = async (http) => {
  await http.recordPages('/events?limit=25', nextCursor, 'after');
  await http.recordPages(`/events?customerId=${FULL.id}&limit=5`, nextCursor, 'after', 'reader');
  await http.record({ path: '/events?customerId=again', key: 'reader' });
  await http.record({ path: '/events?types=customer.erased,customer.deleted,customer.legal_hold_placed' });
  const events = await http.recordStream({ key: 'all', count: 5 });
  await http.recordStream({ key: 'all', count: 4, lastEventId: events[4]?.id ?? '' });
  await http.recordStream({ key: 'reader', count: 3, lastEventId: events[0]?.id ?? '' });
};

/** @param {World} world */
export const recordWebhooks = async ({ http, webhooks }) => {
  await http.record({ path: '/webhooks' });
  const lastCustomer = (/** @type {any} */ page) => page.data.at(-1).customerId;
  for (const { id } of Object.values(webhooks)) {
    await http.record({ path: `/webhooks/${id}`, key: 'reader' });
    await http.recordPages(`/webhooks/${id}/deliveries?limit=20`, lastCustomer, 'startingAfter');
  }
  await http.record({ path: `/webhooks/${webhooks.orders.id}/deliveries?state=parked` });
  await http.record({ path: `/webhooks/${webhooks.crm.id}/deliveries?state=retrying` });
};

/**
 * About customers that do not change any more. Each of these requests adds an event to the log, so they are few.
 * @param {Recorder} http
 * @param {string} to the end of the part of the log that is asked about
 */
export const recordAudit = async (http, to) => {
  await http.recordPages(`/audit/customers/${FULL.id}/events?limit=6`, nextCursor, 'after');
  await http.record({ path: `/audit/customers/${FULL.id}/events`, key: 'reader' });
  for (const id of ['again', 'erased', 'withdrawn']) await http.record({ path: `/audit/customers/${id}/events` });
  const { updatedTime } = await http.get({ path: '/customers/withdrawn' });
  for (const query of ['', '?revision=0', `?asOf=${updatedTime}`, '?asOf=2026-01-01'])
    await http.record({ path: `/audit/customers/${FULL.id}${query}` });
  await http.record({ path: `/audit/customers/${FULL.id}?revision=2`, key: 'reader' });
  for (const id of ['deleted', 'erased']) await http.record({ path: `/audit/customers/${id}?revision=0` });
  await http.record({ path: `/audit/customers/${FULL.id}/diff?from=0` });
  await http.record({ path: `/audit/customers/${FULL.id}/diff?from=1&to=${updatedTime}`, key: 'reader' });
  await http.record({ path: '/audit/customers/again/diff?from=0&to=2' });
  for (const id of [FULL.id, 'again']) await http.record({ path: `/audit/customers/${id}/verification` });

  const from = (await http.get({ path: '/customers/held' })).createdTime;
  await http.recordPages(`/audit/events?from=${from}&to=${to}&limit=12`, nextCursor, 'after');
  await http.record({ path: `/audit/events?to=${to}&customerId=${FULL.id}&types=SourceClaimed,SourceCancelled` });
  await http.record({ path: `/audit/events?to=${to}&actor=system:admin` });
};

/** The audit tree, and what it came to. @param {Recorder} http */
export const recordTree = async (http) => {
  const { origin, keys, lastVerification } = await http.get({ path: '/audit/verification' });
  const checkpoint = await http.get({ path: '/audit/checkpoint' });
  const size = Number(checkpoint.split('\n')[1]);
  const half = Math.floor(size / 2);
  await http.record({ path: `/audit/proofs/consistency?from=${half}&to=${size}` });
  const { data } = await http.get({ path: '/events?limit=40' });
  const inclusions = [];
  for (const { id } of [data[0], data[7], data[39]])
    inclusions.push(await http.get({ path: `/audit/proofs/inclusion?eventId=${id}` }));
  return { origin, keys, verdict: lastVerification.verdict, checkpoint, inclusions };
};
