import { ERRORS, type ErrorBody } from '../../src/http/errors.js';
import { addKey, type EdgeApp, expectErrors, SECRET, type Send, sender, SOURCE_ID, startEdge } from './edge-app.js';

/** This edge has the customers alone. */
const OF_OTHER_RESOURCES: ReadonlySet<string> = new Set(['cursor_gone', 'replay_in_progress']);

describe('addresses over HTTP', () => {
  let edge: EdgeApp;
  let send: Send;
  beforeAll(async () => {
    edge = await startEdge({ bodyLimit: 300_000 });
    send = sender(edge);
    await addKey(edge.keys, SECRET, ['customers:read', 'customers:write']);
  });
  afterAll(() => edge.app.close());
  afterEach(() => {
    edge.recorder.reset();
  });

  describe('addresses and methods', () => {
    it.each([
      '/customers/a%20b',
      '/customers/%zz',
      '/customers/%C3%28',
      '/customers/%',
      `/customers/${'x'.repeat(9000)}`,
    ])('finds no customer at an address no customer could have (case %#)', async (url) => {
      const raw = url.slice('/customers/'.length);
      const id = raw === 'a%20b' ? 'a b' : raw;
      const answer = await send('GET', url);
      expectErrors(answer, ['not_found', 'id']);
      expect((answer.json() as ErrorBody).errors[0]?.message).toBe(`Customer '${id}' not found`);
    });

    it('takes an impossible id for an unknown one on every method', async () => {
      for (const id of ['..%2f', '%2e%2e%2Fx', 'jane@example.com', 'x'.repeat(41), '%00']) {
        for (const [method, url] of [
          ['POST', `/customers/${id}`],
          ['DELETE', `/customers/${id}`],
          ['POST', `/customers/${id}/sources/${SOURCE_ID}`],
          ['DELETE', `/customers/${id}/sources/${SOURCE_ID}`],
        ] as const) {
          expectErrors(await send(method, url), ['not_found', 'id']);
        }
      }
      expect(edge.recorder.asked).toEqual([]);
    });

    it('refuses a source id that is no UUID', async () => {
      for (const method of ['POST', 'DELETE'] as const) {
        expectErrors(await send(method, '/customers/c1/sources/123'), ['invalid_parameter', 'sourceId']);
      }
    });

    it.each([
      ['PUT', '/customers', 'GET, HEAD, POST'],
      ['DELETE', '/customers/', 'GET, HEAD, POST'],
      ['PATCH', '/customers/c1', 'DELETE, GET, HEAD, POST'],
      ['OPTIONS', '/customers/c1', 'DELETE, GET, HEAD, POST'],
      ['GET', `/customers/c1/sources/${SOURCE_ID}`, 'DELETE, POST'],
      ['POST', '/openapi.json', 'GET, HEAD'],
    ] as const)('answers %s %s with 405 and what is allowed', async (method, url, allow) => {
      const answer = await send(method, url, { headers: { 'access-control-request-method': 'POST' } });
      expectErrors(answer, ['method_not_allowed']);
      expect(answer.headers['allow']).toBe(allow);
    });

    it.each([
      ['PUT', '/customers/c1', '; update with POST'],
      ['PATCH', '/customers/c1', '; update with POST'],
      ['OPTIONS', '/customers/c1', ''],
      ['PUT', '/customers', ''],
      ['PATCH', `/customers/c1/sources/${SOURCE_ID}`, ''],
    ] as const)('tells whoever sends %s to %s how a customer is changed', async (method, url, hint) => {
      const answer = await send(method, url, { body: { locale: 'en_US' } });
      expectErrors(answer, ['method_not_allowed']);
      expect((answer.json() as ErrorBody).errors[0]?.message).toBe(
        `Allowed here: ${String(answer.headers['allow'])}${hint}`,
      );
    });

    it.each([
      '/',
      '/customer',
      '/customers/c1/sources',
      '/customers/c1/x/y/z',
      '/docs/nothing.js',
      '/customers//',
      '/%zz',
    ])('finds nothing at %s', async (url) => {
      expectErrors(await send('GET', url), ['not_found']);
    });

    it('answers HEAD like GET without the body', async () => {
      const answer = await send('HEAD', '/customers/c1');
      expect([answer.status, answer.text, answer.headers['etag']]).toEqual([200, '', '"7"']);
    });

    it.each([
      ['text/html', 406],
      ['application/json;q=0, */*', 406],
      ['application/*;q=0', 406],
      ['image/png, */*;q=0', 406],
      ['text/html, application/*;q=0.2', 200],
      ['text/html, */*', 200],
      ['application/json; charset=utf-8', 200],
      ['', 200],
    ])('answers an Accept of "%s" with %i', async (accept, status) => {
      const answer = await send('GET', '/customers', { headers: { accept } });
      expect(answer.status).toBe(status);
      if (status === 406) expectErrors(answer, ['not_acceptable']);
    });
  });

  describe('documents', () => {
    it('are public, whatever is accepted, and load nothing from elsewhere', async () => {
      const page = await edge.app.inject({ url: '/docs', headers: { accept: 'text/html' } });
      expect(page.statusCode).toBe(200);
      expect(page.headers['content-type']).toContain('text/html');
      expect(page.body).not.toMatch(/(src|href)=["'](https?:)?\/\//);
      for (const asset of ['swagger-ui.css', 'swagger-ui-bundle.js', 'swagger-ui-init.js']) {
        expect((await edge.app.inject({ url: `/docs/${asset}` })).statusCode).toBe(200);
      }
      expect((await edge.app.inject({ url: '/openapi.json', headers: { accept: 'text/html' } })).statusCode).toBe(200);
    });

    it('show an example of each operation and of every error code', async () => {
      interface Media {
        examples?: Record<string, { value: { errors?: { code: string }[] } }>;
      }
      type Operation = { responses: Record<string, { content?: Record<string, Media> }> };
      const document = (await edge.app.inject({ url: '/openapi.json' })).json<{
        openapi: string;
        paths: Record<string, Record<string, Operation>>;
      }>();
      expect(document.openapi).toBe('3.1.0');
      const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
      expect(operations).toHaveLength(7);
      const shown = new Set<string>();
      for (const { responses } of operations) {
        for (const [status, { content }] of Object.entries(responses)) {
          const examples = content?.['application/json']?.examples;
          if (status !== '204') expect(Object.keys(examples ?? {})).not.toEqual([]);
          for (const { value } of Object.values(examples ?? {})) value.errors?.forEach(({ code }) => shown.add(code));
        }
      }
      // No operation of its own answers 405: it is what an address answers to a method it does not have.
      expect([...shown].sort()).toEqual(
        Object.keys(ERRORS)
          .filter((code) => code !== 'method_not_allowed' && !OF_OTHER_RESOURCES.has(code))
          .sort(),
      );
    });
  });
});
