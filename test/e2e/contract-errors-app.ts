import { randomUUID } from 'node:crypto';
import { HttpException } from '@nestjs/common';
import { apiKeyFor } from '../../src/access/secrets.js';
import type { Scope } from '../../src/access/scopes.js';
import type { Stores } from '../../src/adapters.js';
import type { DirectorySource, SourceDirectory } from '../../src/customers/sources/source-directory.js';
import { OutcomeUnknown, StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { type Answer, type Call, HttpCaller } from '../support/http-call.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';

/** `type` by status, written out from the contract and not taken from the code. */
const TYPES: Readonly<Record<number, string>> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  408: 'request_timeout',
  409: 'conflict',
  412: 'precondition_failed',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  422: 'unprocessable',
  429: 'too_many_requests',
  503: 'service_unavailable',
};

export type Fault = readonly [code: string, parameter?: string];

/** What the service finds wrong with itself while a request is made. */
export type Trouble = 'log_out_of_reach' | 'outcome_unknown' | 'keys_out_of_reach' | 'too_many_requests';

/** The sources of the test: all others are chargeable and reusable. */
export const SOURCES = {
  unknown: '00000000-0000-4000-8000-00000000dead',
  nonreusable: '00000000-0000-4000-8000-00000000beef',
  pending: '00000000-0000-4000-8000-00000000feed',
  outOfReach: '00000000-0000-4000-8000-00000000cafe',
};

const directory: SourceDirectory = {
  find: async (id: string): Promise<DirectorySource | undefined> => {
    if (id === SOURCES.unknown) return undefined;
    if (id === SOURCES.outOfReach) throw new StoreUnavailable('source_directory');
    return { id, state: id === SOURCES.pending ? 'pending' : 'chargeable', reusable: id !== SOURCES.nonreusable };
  },
};

/** The whole service behind a socket, and what a test of its refusals needs. */
export class ContractApp {
  trouble: Trouble | undefined;
  /** What callers have had appended. What follows the log appends too, in its own time: that is not counted. */
  appended = 0;

  private constructor(
    readonly app: TestApp,
    readonly clock: TestClock,
    readonly http: HttpCaller,
  ) {}

  static async start(): Promise<ContractApp> {
    const clock = new TestClock();
    const self: { app?: ContractApp } = {};
    const wrap = (stores: Stores): Stores => withTrouble(stores, clock, () => self.app);
    // No grace, so that an erasure is there as soon as it is asked for; a small limit, so that it is soon passed.
    const app = await startTestApp({ config: { forgetGraceDays: 0, bodyLimit: 20_000 }, directory, clock, wrap });
    self.app = new ContractApp(app, clock, new HttpCaller(await app.listen(), app.secret));
    return self.app;
  }

  call(call: Call): Promise<Answer> {
    return this.http.call(call);
  }

  /** @returns the id */
  async created(body: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const answer = await this.call({ method: 'POST', path: '/customers', body });
    expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
    return answer.json<{ id: string }>().id;
  }

  async deleted(): Promise<string> {
    const id = await this.created({ email: 'jane@example.com' });
    expect((await this.call({ method: 'DELETE', path: `/customers/${id}` })).status).toBe(204);
    return id;
  }

  async erased(sourceId?: string): Promise<string> {
    const id = await this.created({ email: 'jane@example.com', ...(sourceId && { defaultSourceId: sourceId }) });
    const asked = await this.call({ method: 'POST', path: `/customers/${id}`, body: { requestToBeForgotten: true } });
    expect(asked.status).toBe(200);
    await this.app.service.dueErasures.run();
    return id;
  }

  async attached(id: string, sourceId: string = randomUUID()): Promise<string> {
    expect((await this.call({ method: 'POST', path: `/customers/${id}/sources/${sourceId}` })).status).toBe(200);
    return sourceId;
  }

  async keyWith(scopes: readonly Scope[], expiresAt?: number): Promise<{ id: string; authorization: string }> {
    const secret = `key-${randomUUID()}`;
    const stored = apiKeyFor(secret, { name: 'test', scopes, expiresAt }, this.clock.now());
    await this.app.stores.apiKeys.add(stored);
    return { id: stored.id, authorization: `Bearer ${secret}` };
  }

  /** Makes the call and proves that it was refused with just these faults, and that nothing has changed by it. */
  async refused(call: Call, status: number, ...faults: readonly Fault[]): Promise<Answer> {
    const before = await this.state();
    const answer = await this.call(call);
    expectFaults(answer, status, faults);
    expect(await this.state()).toEqual(before);
    return answer;
  }

  /** How far callers have brought the log, and everything that can be seen of customers. */
  private async state(): Promise<readonly unknown[]> {
    const { trouble } = this;
    this.trouble = undefined;
    const list = await this.call({ path: '/customers?limit=100' });
    this.trouble = trouble;
    expect(list.status).toBe(200);
    return [this.appended, list.text];
  }

  async close(): Promise<void> {
    this.http.close();
    await this.app.close();
  }
}

export function expectFaults(answer: Answer, status: number, faults: readonly Fault[]): void {
  expect([answer.status, answer.text]).toEqual([status, expect.any(String)]);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(answer.headers['x-request-id']).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
  const body = answer.json<{ type: string; errors: { code: string; parameter?: string; message: string }[] }>();
  expect(Object.keys(body).sort()).toEqual(['errors', 'type']);
  expect(body.type).toBe(TYPES[status]);
  for (const { message, ...rest } of body.errors) {
    expect(message).toMatch(/\S/);
    expect(Object.keys(rest).every((name) => name === 'code' || name === 'parameter')).toBe(true);
  }
  const found = body.errors.map(({ code, parameter }) => `${code} ${parameter ?? ''}`);
  expect(found.sort()).toEqual(faults.map(([code, parameter]) => `${code} ${parameter ?? ''}`).sort());
}

/** Time passes with each try, so that a command comes to the end of its budget and not to the end of the test's. */
function withTrouble(stores: Stores, clock: TestClock, app: () => ContractApp | undefined): Stores {
  const { eventStore, subjectKeys, apiKeys } = stores;
  const trouble = (): Trouble | undefined => app()?.trouble;
  const append = eventStore.append.bind(eventStore);
  eventStore.append = async (stream, expected, events) => {
    if (trouble() === 'log_out_of_reach') throw new StoreUnavailable('event_log');
    if (trouble() === 'outcome_unknown') {
      clock.advance(2_000);
      throw new OutcomeUnknown();
    }
    const appended = await append(stream, expected, events);
    const running = app();
    if (running !== undefined)
      running.appended += events.filter(({ metadata }) => !isBySystem(metadata['actor'])).length;
    return appended;
  };
  const create = subjectKeys.create.bind(subjectKeys);
  subjectKeys.create = async (...args) => {
    if (trouble() === 'keys_out_of_reach') throw new StoreUnavailable('subject_keys');
    return create(...args);
  };
  const findByHash = apiKeys.findByHash.bind(apiKeys);
  apiKeys.findByHash = async (hash) => {
    if (trouble() === 'too_many_requests') throw new HttpException('slow down', 429);
    return findByHash(hash);
  };
  return stores;
}

const isBySystem = (actor: unknown): boolean =>
  typeof actor === 'object' && actor !== null && 'type' in actor && actor.type === 'system';
