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
