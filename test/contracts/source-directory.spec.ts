import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { AcceptAllSourceDirectory } from '../../src/customers/sources/accept-all-source-directory.js';
import { HttpSourceDirectory } from '../../src/customers/sources/http-source-directory.js';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { remoteSourceDirectoryContract, sourceDirectoryContract } from './source-directory.contract.js';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A real server whose answers are set by the test. */
class SourcesServer {
  private readonly server: Server = createServer((request, response) => this.answer(response, request));
  answer: Answer = (response) => response.writeHead(404).end();
  url = '';

  async start(): Promise<this> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    this.url = `http://127.0.0.1:${address.port}`;
    return this;
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }
}

const json =
  (body: unknown): Answer =>
  (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));

const text =
  (status: number, body: string | Buffer, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end(body);

sourceDirectoryContract('accepts all', async () => ({
  directory: new AcceptAllSourceDirectory(),
  add: () => undefined,
  unknownId: 'no-uuid',
  close: async () => undefined,
}));

remoteSourceDirectoryContract('over HTTP', async () => {
  const server = await new SourcesServer().start();
  const known = new Set<string>();
  server.answer = (response, request) => {
    const id = request.url?.slice('/sources/'.length).toLowerCase() ?? '';
    const answer = known.has(id) ? json({ id, type: 'card', state: 'chargeable', reusable: true }) : text(404, 'no');
    answer(response, request);
  };
  return {
    directory: new HttpSourceDirectory(`${server.url}/sources`, undefined),
    add: (id) => void known.add(id),
    unknownId: randomUUID(),
    cutOff: () => server.stop(),
    close: () => server.stop(),
  };
});

describe('The source directory over HTTP', () => {
  const id = randomUUID();
  const good = { id, type: 'card', state: 'chargeable', reusable: true };
  let server: SourcesServer;

  beforeEach(async () => {
    server = await new SourcesServer().start();
  });
  afterEach(() => server.stop());

  const ask = (timeoutMs?: number) => new HttpSourceDirectory(server.url, 'secret', timeoutMs).find(id);
  const failure = (asked: Promise<unknown>): Promise<unknown> =>
    asked.then(
      (answer) => expect(answer).toBe('a failure'),
      (error: unknown) => error,
    );
  const expectOutage = async (answer: Answer, timeoutMs?: number): Promise<void> => {
    server.answer = answer;
    const error = await failure(ask(timeoutMs));
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect(error).toMatchObject({ store: 'source_directory' });
  };

  it('asks GET {url}/{id} once with the bearer token, whether or not the url ends in a slash', async () => {
    const seen: unknown[] = [];
    server.answer = (response, request) => {
      seen.push([request.method, request.url, request.headers.authorization]);
      json(good)(response, request);
    };
    await new HttpSourceDirectory(`${server.url}/v1/sources`, 'secret').find(id);
    await new HttpSourceDirectory(`${server.url}/v1/sources/`, undefined).find(id);
    expect(seen).toEqual([
      ['GET', `/v1/sources/${id}`, 'Bearer secret'],
      ['GET', `/v1/sources/${id}`, undefined],
    ]);
  });

  it('keeps an id from reaching another path', async () => {
    const paths: unknown[] = [];
    server.answer = (response, request) => {
      paths.push(request.url);
      json({ ...good, id: undefined })(response, request);
    };
    await new HttpSourceDirectory(`${server.url}/sources`, undefined).find('a/../../b?c');
    expect(paths).toEqual(['/sources/a%2F..%2F..%2Fb%3Fc']);
  });

  it('reports state and reusable as they are, and takes id and type as optional', async () => {
    server.answer = json({ state: 'pending', reusable: false });
    expect(await ask()).toEqual({ id, state: 'pending', reusable: false });
    server.answer = json({ ...good, id: null, type: null });
    expect(await ask()).toEqual({ id, state: 'chargeable', reusable: true });
  });

  it('passes over fields it does not know', async () => {
    server.answer = text(200, JSON.stringify({ ...good, owner: 'x' }).replace('{', '{"__proto__":{"type":"y"},'));
    expect(await ask()).toEqual(good);
  });

  it.each([
    ['another id', { ...good, id: randomUUID() }],
    ['an id that is no string', { ...good, id: 7 }],
    ['a type that is no string', { ...good, type: 7 }],
    ['a type with room for an address', { ...good, type: 'ada@example.com' }],
    ['no state', { ...good, state: undefined }],
    ['an empty state', { ...good, state: '' }],
    ['a state without end', { ...good, state: 'a'.repeat(5000) }],
    ['no reusable', { ...good, reusable: undefined }],
    ['a reusable that is no boolean', { ...good, reusable: 'true' }],
    ['a list', [good]],
    ['null', null],
  ])('takes a body with %s as an outage', (_, body) => expectOutage(json(body)));

  it.each(['', '{', 'not json', Buffer.from([0xff, 0xfe, 0x00])])(
    'takes a body that is not JSON as an outage',
    (body) => expectOutage(text(200, body)),
  );

  it.each([201, 204, 301, 302, 307, 400, 401, 403, 410, 429, 500, 502, 503])('takes status %i as an outage', (status) =>
    expectOutage(text(status, status === 204 ? '' : JSON.stringify(good), { location: '/elsewhere' })),
  );

  it('does not follow a redirect', async () => {
    const paths: unknown[] = [];
    server.answer = (response, request) => {
      paths.push(request.url);
      text(302, '', { location: `${server.url}/stolen` })(response, request);
    };
    await failure(ask());
    expect(paths).toEqual([`/${id}`]);
  });

  it('takes a connection cut before or within the answer as an outage', async () => {
    await expectOutage((response) => void response.destroy());
    await expectOutage((response) => {
      response.writeHead(200, { 'content-length': '500' });
      response.write('{"state":', () => response.destroy());
    });
  });

  it('takes an answer that is not HTTP as an outage', () =>
    expectOutage((response) => void response.socket?.end('garbage\r\n\r\n')));

  it('gives up on an answer that does not begin', () => expectOutage(() => undefined, 100));

  it('gives up on a body that does not end, however much arrives meanwhile', () =>
    expectOutage((response) => {
      const drip = setInterval(() => response.write(' '), 10);
      response.on('close', () => clearInterval(drip));
    }, 150));

  it('gives up after 2 s unless told otherwise', async () => {
    const begun = performance.now();
    await expectOutage((response) => void response.writeHead(200).write('{'));
    expect(performance.now() - begun).toBeGreaterThan(1900);
    expect(performance.now() - begun).toBeLessThan(2500);
  });

  it('stops reading a body that is too large', async () => {
    let sent = 0;
    let hangUp: () => void;
    const hungUp = new Promise<void>((resolve) => (hangUp = resolve));
    await expectOutage((response) => {
      const more = (): void => {
        if (response.destroyed) return;
        sent += 65_536;
        response.write(' '.repeat(65_536), more);
      };
      response.on('close', hangUp);
      more();
    }, 60_000);
    await hungUp;
    expect(sent).toBeLessThan(50_000_000);
  });

  it('does not wait for the body of a 404', async () => {
    server.answer = (response) => void response.writeHead(404).write('and');
    expect(await ask()).toBeUndefined();
  });

  it('shows nothing of a body or of the token in its error', async () => {
    for (const body of ['canary-body is not json', '{"state":"canary-body @"}']) {
      server.answer = text(200, body);
      const error = await failure(new HttpSourceDirectory(server.url, 'canary-token').find(id));
      expect(describeDeeply(error)).not.toContain('canary');
    }
  });

  it('refuses settings it could not use, without showing them', () => {
    const refusals = [
      () => new HttpSourceDirectory('ftp://canary.example', undefined),
      () => new HttpSourceDirectory('http://user:canary@example.com', undefined),
      () => new HttpSourceDirectory('canary', undefined),
      () => new HttpSourceDirectory('http://example.com', 'canary\n'),
    ].map((make) => {
      try {
        return make();
      } catch (error) {
        return String(error);
      }
    });
    for (const refusal of refusals) expect(refusal).toMatch(/^TypeError: SOURCES_(URL|TOKEN) must be(?!.*canary)/);
  });
});

function describeDeeply(error: unknown): string {
  return error instanceof Error ? `${error.message} ${error.stack} ${describeDeeply(error.cause)}` : String(error);
}
