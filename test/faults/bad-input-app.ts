import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Config } from '../../src/config.js';
import type { Stores } from '../../src/adapters.js';
import { foldCustomer } from '../../src/customers/customer-history.js';
import { CUSTOMER_PREFIX, customerIdOf } from '../../src/customers/streams.js';
import { type Answer, type Call, HttpCaller } from '../support/http-call.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';

/** Every code a client's mistake can have, with its status and type: the contract's, not the code's. */
const TYPES: Readonly<Record<number, readonly [type: string, ...codes: string[]]>> = {
  400: [
    'bad_request', 'invalid_parameter', 'missing_parameter', 'unknown_parameter', 'invalid_format',
    'too_many_metadata_pairs', 'invalid_metadata_key', 'invalid_metadata_value',
  ],
  401: ['unauthorized', 'unauthorized'],
  403: ['forbidden', 'forbidden'],
  404: ['not_found', 'not_found', 'source_not_found'],
  405: ['method_not_allowed', 'method_not_allowed'],
  406: ['not_acceptable', 'not_acceptable'],
  408: ['request_timeout', 'request_timeout'],
  409: ['conflict', 'already_exists', 'nonreusable_source', 'source_not_chargeable', 'source_in_use', 'customer_erased'],
  412: ['precondition_failed', 'precondition_failed'],
  413: ['payload_too_large', 'payload_too_large'],
  415: ['unsupported_media_type', 'unsupported_media_type'],
  422: ['unprocessable', 'idempotency_key_reused'],
}; // prettier-ignore

/** After so long without a word the server is waiting for the rest of a request. */
const SILENCE_MS = 250;
/** What an answer may take at most on a machine that is busy with other tests. */
const PATIENCE_MS = 10_000;

/** The whole service behind a socket, watched: whatever is sent to it, what it does about it is checked. */
export class WatchedApp {
  private constructor(
    readonly app: TestApp,
    readonly clock: TestClock,
    readonly http: HttpCaller,
    private readonly streams: ReadonlySet<string>,
    private readonly writes: { count: number },
  ) {}

  static async start(config: Partial<Config> = {}): Promise<WatchedApp> {
    const clock = new TestClock();
    const [streams, writes] = [new Set<string>(), { count: 0 }];
    const wrap = (stores: Stores): Stores => watched(stores, streams, writes);
    const app = await startTestApp({ config: { forgetGraceDays: 0, ...config }, clock, wrap });
    return new WatchedApp(app, clock, new HttpCaller(await app.listen(), app.secret), streams, writes);
  }

  /** Makes the call. Proves that the answer is one of the contract's, and that a refusal changed nothing. */
  async send(call: Call): Promise<Answer> {
    const before = this.writes.count;
    const answer = await this.http.call(call);
    const head = call.method === 'HEAD';
    expectContractual(answer.status, answer.headers, answer.text, head);
    if (answer.status >= 400) expect([answer.text, this.writes.count]).toEqual([answer.text, before]);
    return answer;
  }

  /** Proves, too, that it was refused with this status, and where one is named with this fault among the others. */
  async refused(call: Call, status: number, code?: string, parameter?: string): Promise<Answer> {
    const answer = await this.send(call);
    expect([call, answer.status]).toEqual([call, status]);
    const { errors } = answer.json<{ errors: Record<string, string>[] }>();
    if (code !== undefined) {
      const wanted = { code, ...(parameter !== undefined && { parameter }) };
      expect([call, errors]).toEqual([call, expect.arrayContaining([expect.objectContaining(wanted)])]);
    }
    return answer;
  }

  /**
   * Sends bytes as they are over a connection of its own, and its end once the server has nothing to say. Proves the same
   * of every answer, and that the connection comes to its end. @returns the statuses of the answers
   */
  async raw(...chunks: readonly (string | Buffer)[]): Promise<readonly number[]> {
    const before = this.writes.count;
    const received = await readToEnd(this.http.connect(), chunks);
    const answers = splitAnswers(received);
    for (const { status, headers, text } of answers) expectContractual(status, headers, text, text === '');
    // Without any answer there may have been one, which was too late.
    const refused = answers.length > 0 && answers.every(({ status }) => status >= 400);
    if (refused) expect(this.writes.count).toBe(before);
    return answers.map(({ status }) => status);
  }

  /** Proves that each view is what a replay of the log makes of its customer, and that nothing else has grown. */
  async expectIntact(): Promise<void> {
    expect(Object.keys(Object.prototype)).toEqual([]);
    const { eventStore, customerViews } = this.app.stores;
    for (const stream of this.streams) {
      if (!stream.startsWith(CUSTOMER_PREFIX)) continue;
      const { emailIndex: _, ...view } = { ...(await customerViews.get(customerIdOf(stream))) };
      expect(view).toEqual(foldCustomer(await eventStore.read(stream)).view);
    }
    expect((await this.http.call({ path: '/health/ready' })).status).toBe(200);
  }

  async close(): Promise<void> {
    this.http.close();
    await this.app.close();
  }
}

function watched(stores: Stores, streams: Set<string>, writes: { count: number }): Stores {
  const { eventStore, customerViews, subjectKeys } = stores;
  const append = eventStore.append.bind(eventStore);
  eventStore.append = async (stream, expected, events) => {
    const appended = await append(stream, expected, events);
    streams.add(stream);
    // What follows the log writes in its own time, and is not the request's doing.
    if (events.some(({ metadata }) => !isSystem(metadata['actor']))) writes.count += 1;
    return appended;
  };
  const save = customerViews.save.bind(customerViews);
  customerViews.save = async (views, generation) => {
    // The projector may come by with what was written through already: that changes nothing.
    const stored = await customerViews.versions(
      views.map(({ id }) => id),
      generation,
    );
    if (views.some(({ id, version }) => version > (stored.get(id) ?? -1))) writes.count += 1;
    await save(views, generation);
  };
  const create = subjectKeys.create.bind(subjectKeys);
  subjectKeys.create = async (ref, key) => {
    if ((await subjectKeys.find(ref)).status === 'none') writes.count += 1;
    return create(ref, key);
  };
  return stores;
}

const isSystem = (actor: unknown): boolean =>
  typeof actor === 'object' && actor !== null && 'type' in actor && actor.type === 'system';

function expectContractual(status: number, headers: IncomingHttpHeaders, text: string, bare: boolean): void {
  // The text stands on both sides so that a failure shows it.
  expect([text, status < 500 && status >= 200]).toEqual([text, true]);
  expect(headers['x-request-id']).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
  if (status < 400 || bare) return;
  const [type, ...codes] = TYPES[status] ?? [];
  expect([status, type]).toEqual([status, expect.any(String)]);
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  const body = JSON.parse(text) as { type: string; errors: Record<string, unknown>[] };
  expect([Object.keys(body), body.type]).toEqual([['type', 'errors'], type]);
  expect(body.errors.length).toBeGreaterThan(0);
  for (const { code, parameter = '', message, ...rest } of body.errors) {
    expect(codes).toContain(code);
    expect([typeof parameter, typeof message, rest]).toEqual(['string', 'string', {}]);
  }
  expect(text).not.toMatch(/node_modules|\bat [^"]*:\d+:\d+|SQLITE|"stack"/);
  if (status === 401) expect(headers['www-authenticate']).toBe('Bearer');
  if (status === 405) expect(headers['allow']).toMatch(/^[A-Z]+(, [A-Z]+)*$/);
}

function readToEnd(socket: Socket, chunks: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    let silence: NodeJS.Timeout;
    const listen = (): void => {
      clearTimeout(silence);
      silence = setTimeout(() => socket.end(), SILENCE_MS);
    };
    const late = setTimeout(
      () => reject(new Error(`The connection stays open: ${JSON.stringify(received)}`)),
      PATIENCE_MS,
    );
    socket.setEncoding('utf8').on('data', (text: string) => {
      received += text;
      listen();
    });
    // Reset while still writing: the server has answered and closed.
    socket
      .on('error', () => undefined)
      .on('close', () => {
        clearTimeout(silence);
        clearTimeout(late);
        resolve(received);
      });
    for (const chunk of chunks) socket.write(chunk);
    listen();
  });
}

/** The answers on a connection, each by its length; an interim one has none. */
function splitAnswers(received: string): { status: number; headers: IncomingHttpHeaders; text: string }[] {
  const answers: { status: number; headers: IncomingHttpHeaders; text: string }[] = [];
  let rest = Buffer.from(received);
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n');
    expect([rest.toString(), end > 0]).toEqual([rest.toString(), true]);
    const [line = '', ...fields] = rest.subarray(0, end).toString().split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1]);
    expect([line, status >= 100]).toEqual([line, true]);
    const headers = Object.fromEntries(
      fields.map((field) => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 2)]),
    );
    const length = Number(headers['content-length'] ?? 0);
    const follows = rest.subarray(end + 4, end + 4 + length).toString();
    // An answer to HEAD names the length of what it leaves out.
    const text = follows.startsWith('HTTP/1.1 ') ? '' : follows;
    if (status >= 200) answers.push({ status, headers, text });
    rest = rest.subarray(end + 4 + (text === '' ? 0 : length));
  }
  return answers;
}
