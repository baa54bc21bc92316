import { LogCursors } from '../../src/subscribers/log-cursors.js';
import type { Answer, Call } from '../support/http-call.js';

/** Of a log that is not this one. */
const STRANGE = new LogCursors('another', { comparePositions: () => 0 }).write(undefined);

/** Every operation of the audit, in what it can answer without a fault of ours. */
export async function exerciseAudit(told: (name: string, call: Call) => Promise<Answer>): Promise<void> {
  const [EVENTS, AS_OF, HISTORY, DIFF] = [
    'GET /audit/events',
    'GET /audit/customers/{id}',
    'GET /audit/customers/{id}/events',
    'GET /audit/customers/{id}/diff',
  ] as const;
  const id = 'audited';
  const change = (body: unknown): Call => ({
    method: 'POST',
    path: `/customers/${id}`,
    body,
    headers: { 'x-reason': 'test; All of it', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
  });
  const shipping = { name: 'Jane', address: { country: 'US' } };
  await told('POST /customers', { method: 'POST', path: '/customers', body: { id, email: 'jane@example.com' } });
  await told('POST /customers/{id}', change({ shipping, metadata: { list: [1, { a: null }], none: null } }));
  await told('POST /customers/{id}', change({ metadata: { list: '', none: 1 }, shipping: null, enabled: false }));
  await told('POST /customers/{id}', change({ requestToBeForgotten: true }));
  await told('GET /customers', { path: '/customers' });
  const paths = {
    [EVENTS]: ['', '?limit=3', `?customerId=${id}`, '?types=AuditAccessed', '?actor=x', `?after=${STRANGE}`],
    [HISTORY]: ['', '?limit=2', '?limit=0', `?after=${STRANGE}`],
    [AS_OF]: ['', '?revision=1', '?revision=99', '?asOf=yesterday', '?asOf=1999-12-31'],
    [DIFF]: ['', '?from=0', '?from=1999-12-31&to=2', '?from=x', '?from=99'],
  };
  for (const [name, queries] of Object.entries(paths)) {
    const path = name.slice('GET '.length).replace('{id}', id);
    for (const query of queries) await told(name, { path: path + query });
    await told(name, { path, headers: { authorization: 'Bearer none' } });
    await told(name, { path, headers: { accept: 'text/html' } });
    if (name !== EVENTS) await told(name, { path: `${path.replace(id, 'nobody')}?from=0` });
  }
  await told('DELETE /customers/{id}', { method: 'DELETE', path: `/customers/${id}` });
  await told(AS_OF, { path: `/audit/customers/${id}` });
  await told(HISTORY, { path: `/audit/customers/${id}/events` });
  await told(DIFF, { path: `/audit/customers/${id}/diff?from=0` });
}

/** The forgetting of a customer: held, freed, erased at once. */
export async function exerciseErasure(told: (name: string, call: Call) => Promise<Answer>): Promise<void> {
  const [ERASE, STATE] = ['POST /customers/{id}/erasure', 'GET /customers/{id}/erasure'] as const;
  const [HOLD, LIFT] = ['PUT /customers/{id}/legal-hold', 'DELETE /customers/{id}/legal-hold'] as const;
  const erasure = '/customers/forgotten/erasure';
  const hold = '/customers/forgotten/legal-hold';
  await told('POST /customers', { method: 'POST', path: '/customers', body: { id: 'forgotten' } });
  await told(HOLD, { method: 'PUT', path: hold });
  await told(ERASE, { method: 'POST', path: erasure });
  await told(STATE, { path: erasure });
  await told(LIFT, { method: 'DELETE', path: hold });
  await told(ERASE, { method: 'POST', path: erasure, body: { reasonCode: 'NOT a code' } });
  await told(ERASE, { method: 'POST', path: erasure, body: { reasonCode: 'gdpr_art_17' } });
  await told(STATE, { path: erasure });
  await told(STATE, { path: '/customers/nobody/erasure' });
  await told(HOLD, { method: 'PUT', path: '/customers/nobody/legal-hold' });
}

/** What the tree can show; an event and a checkpoint must be there. */
export async function exerciseTree(told: (name: string, call: Call) => Promise<Answer>): Promise<void> {
  const [INCLUSION, CONSISTENCY] = ['GET /audit/proofs/inclusion', 'GET /audit/proofs/consistency'] as const;
  const events = await told('GET /audit/events', { path: '/audit/events?limit=1' });
  const { data } = events.json<{ data: { id: string }[] }>();
  await told('GET /audit/checkpoint', { path: '/audit/checkpoint', headers: { accept: 'text/plain' } });
  await told('GET /audit/verification', { path: '/audit/verification' });
  await told('GET /audit/customers/{id}/verification', { path: '/audit/customers/audited/verification' });
  await told('GET /audit/customers/{id}/verification', { path: '/audit/customers/nobody/verification' });
  for (const query of [`?eventId=${data[0]?.id ?? ''}`, '', '?eventId=none']) {
    await told(INCLUSION, { path: `/audit/proofs/inclusion${query}` });
  }
  for (const query of ['?from=1', '', '?from=0', '?from=1&to=999999']) {
    await told(CONSISTENCY, { path: `/audit/proofs/consistency${query}` });
  }
}
