import type { Answer, Call } from '../support/http-call.js';

/** Every operation on webhooks, in what it can answer without a fault of ours. Nobody listens where they lead. */
export async function exerciseWebhooks(told: (name: string, call: Call) => Promise<Answer>): Promise<void> {
  const [LIST, CREATE] = ['GET /webhooks', 'POST /webhooks'];
  const of = (method: string, rest = ''): string => `${method} /webhooks/{id}${rest}`;
  const send = (method: string, path: string, body?: unknown, headers = {}): Call => ({ method, path, body, headers });
  const url = 'http://127.0.0.1:1/hooks';
  const created = await told(CREATE, send('POST', '/webhooks', { url, personalValues: true }));
  const { id }: { id: string } = created.json();
  const path = `/webhooks/${id}`;
  await told(CREATE, send('POST', '/webhooks', { url, types: ['customer.created'], description: 'CRM' }));
  for (const body of [{}, { url: 'http://10.0.0.1/' }, { url, types: ['x'], nickname: 1 }]) {
    await told(CREATE, send('POST', '/webhooks', body));
  }
  await told(CREATE, send('POST', '/webhooks', 'x'.repeat(600_000), { 'content-type': 'application/json' }));
  await told(CREATE, send('POST', '/webhooks', '{}', { 'content-type': 'text/plain' }));
  await told(LIST, { path: '/webhooks' });
  await told(of('GET'), { path });
  await told(of('PATCH'), send('PATCH', path, { rotateSecret: true, description: null, enabled: false }));
  await told(of('PATCH'), send('PATCH', path, { enabled: null }));
  for (const query of ['', '?state=parked&limit=1', '?state=none']) {
    await told(of('GET', '/deliveries'), { path: `${path}/deliveries${query}` });
  }
  await told(of('POST', '/test'), send('POST', `${path}/test`));
  for (const body of [{ parked: true }, {}, { since: 'x' }, { since: '2026-01-01T00:00:00Z' }]) {
    await told(of('POST', '/replay'), send('POST', `${path}/replay`, body));
  }
  await told(of('DELETE'), send('DELETE', path));
  for (const [method, rest] of [['GET'], ['PATCH'], ['DELETE'], ['GET', '/deliveries'], ['POST', '/test']] as const) {
    await told(of(method, rest), send(method, `${path}${rest ?? ''}`));
    await told(of(method, rest), send(method, `${path}${rest ?? ''}`, undefined, { authorization: 'Bearer none' }));
  }
}
