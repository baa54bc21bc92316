import { deepStrictEqual, ok } from 'node:assert/strict';
import type { TestRequest } from '../support/test-app.js';
import type { ListQuery } from './model-commands.js';
import type { Sent } from './model.js';

/** The request as a client would send it. @param start what times of filters count from */
export function httpRequest(sent: Sent, start: number): TestRequest {
  switch (sent.kind) {
    case 'create': {
      const { id, body } = sent;
      return post('/customers', { ...(id !== undefined && { id }), ...body.fields }, sent);
    }
    case 'update':
      return post(pathOf(sent.id), sent.body.fields, sent);
    case 'attach':
      return post(`${pathOf(sent.id)}/sources/${sent.sourceId}`, undefined, sent);
    case 'detach':
      return {
        method: 'DELETE',
        url: `${pathOf(sent.id)}/sources/${sent.sourceId}`,
        headers: headersOf(sent),
      };
    case 'delete':
      return { method: 'DELETE', url: pathOf(sent.id), headers: headersOf(sent) };
    case 'get':
      return { method: 'GET', url: pathOf(sent.id) };
    case 'list':
      return { method: 'GET', url: `/customers?${queryOf(sent.query, start)}` };
    default:
      return sent satisfies never;
  }
}

const pathOf = (id: string): string => `/customers/${id}`;

const post = (url: string, body: unknown, sent: Headed): TestRequest => ({
  method: 'POST',
  url,
  ...(body !== undefined && { body }),
  headers: headersOf(sent),
});

/** What of a request goes into its headers. */
interface Headed {
  readonly key?: string | undefined;
  readonly reason?: string | undefined;
  readonly versions?: readonly number[];
}

/** Of a condition that no version fulfils there is a weak and an unknown tag: neither ever matches. */
const headersOf = ({ key, reason, versions }: Headed): Record<string, string> => ({
  ...(key !== undefined && { 'idempotency-key': key }),
  ...(reason !== undefined && { 'x-reason': reason }),
  ...(versions !== undefined && {
    'if-match': versions.length === 0 ? 'W/"0", "abc"' : versions.map((version) => `"${String(version)}"`).join(', '),
  }),
});

function queryOf(query: ListQuery, start: number): string {
  const { createdTime, updatedTime, ids, ...rest } = query;
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(rest)) parameters.set(name, String(value));
  if (ids !== undefined) parameters.set('ids', ids.join(','));
  for (const [name, bound] of Object.entries({ createdTime, updatedTime })) {
    if (bound === undefined) continue;
    const key = bound.operator === 'eq' ? name : `${name}[${bound.operator}]`;
    parameters.set(key, new Date(start + bound.at).toISOString());
  }
  return parameters.toString();
}

/** Also holds the answer against the shape every error has. */
export function faultsOf(body: unknown, sent: Sent): readonly string[] {
  const { type, errors } = body as { type: unknown; errors: { code: string; parameter?: string; message: string }[] };
  ok(typeof type === 'string' && Array.isArray(errors) && errors.length > 0, 'an error has the shape of errors');
  for (const { code, message } of errors) {
    ok(typeof message === 'string' && message !== '', 'an error says what is wrong');
    if (code === 'not_found' && sent.kind !== 'list') deepStrictEqual(message, `Customer '${idOf(sent)}' not found`);
  }
  return errors.map(({ code, parameter }) => (parameter === undefined ? code : `${code} ${parameter}`)).sort();
}

export const idOf = (sent: Exclude<Sent, { kind: 'list' }>): string => ('id' in sent ? (sent.id ?? '') : '');
