import { Injectable, Module } from '@nestjs/common';
import { CommandHandler, CqrsModule, QueryHandler } from '@nestjs/cqrs';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Writable } from 'node:stream';
import { ApiKeys, type StoredApiKey } from '../../src/access/api-keys.js';
import { apiKeyFor } from '../../src/access/secrets.js';
import type { Scope } from '../../src/access/scopes.js';
import { CONFIG, readConfig } from '../../src/config.js';
import { AttachSource } from '../../src/customers/commands/attach-source.js';
import { CreateCustomer } from '../../src/customers/commands/create-customer.js';
import { ForgetCustomer } from '../../src/customers/commands/forget-customer.js';
import { DeleteCustomer, DetachSource, UpdateCustomer } from '../../src/customers/commands/plain-commands.js';
import { CustomersController } from '../../src/customers/customers.controller.js';
import { GetCustomer } from '../../src/customers/queries/get-customer.js';
import { ListCustomers } from '../../src/customers/queries/list-customers.js';
import type { AttachedSource } from '../../src/customers/domain/state.js';
import type { CustomerView } from '../../src/customers/read-model/customer-view.js';
import type { OpenedCustomer } from '../../src/customers/read-model/opened-customer.js';
import { Clock } from '../../src/event-sourcing/clock.js';
import { configureApp, createHttpAdapter, type Timeouts } from '../../src/http/configure-app.js';
import { ERROR_TYPES, type ErrorCode, ERRORS } from '../../src/http/errors.js';
import { HttpModule } from '../../src/http/http.module.js';
import { ServiceLogger } from '../../src/http/service-logger.js';
import { ServiceSecrets } from '../../src/privacy/service-secrets.js';

export const SECRET = 'secret-of-a-test-key';
export const NOW = Date.parse('2026-03-01T09:30:00.000Z');
export const SOURCE_ID = 'fd74a5c5-0163-469a-ae8e-031f0259b576';

/** What the buses were asked, and what they do: answers a customer unless told otherwise. */
export class Recorder {
  readonly asked: object[] = [];
  /** Thrown by every handler: an Error mostly, yet anything can be thrown. */
  fails: unknown;
  opened: OpenedCustomer = { view: aView({}), taxCertificates: [] };

  record(message: object): void {
    this.asked.push(message);
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- what is no error must be answered too
    if (this.fails !== undefined) throw this.fails;
  }

  get last(): object | undefined {
    return this.asked.at(-1);
  }

  reset(): void {
    this.asked.length = 0;
    this.fails = undefined;
    this.opened = { view: aView({}), taxCertificates: [] };
  }
}

export const aView = (view: Partial<CustomerView>): CustomerView => ({
  id: 'c1',
  version: 7,
  status: 'active',
  life: 1,
  listed: true,
  createdTime: '2026-03-01T09:30:00.000Z',
  updatedTime: '2026-03-01T09:31:00.000Z',
  enabled: true,
  requestToBeForgotten: false,
  sources: [],
  taxCertificates: [],
  ...view,
});

const source: AttachedSource = {
  id: SOURCE_ID,
  state: 'chargeable',
  reusable: true,
  createdTime: '2026-03-01T09:31:00.000Z',
};

/** A handler that notes what it was asked, and answers. */
function fake(
  handles: ClassDecorator,
  answer: (recorder: Recorder, message: object) => unknown,
): new (recorder: Recorder) => object {
  @Injectable()
  class Fake {
    constructor(private readonly recorder: Recorder) {}
    async execute(message: object): Promise<unknown> {
      this.recorder.record(message);
      return answer(this.recorder, message);
    }
  }
  handles(Fake);
  return Fake;
}

const theCustomer = ({ opened }: Recorder): OpenedCustomer => opened;

const created = ({ opened }: Recorder, message: object): OpenedCustomer =>
  message instanceof CreateCustomer && message.id !== undefined
    ? { ...opened, view: { ...opened.view, id: message.id } }
    : opened;

const handlers = [
  fake(CommandHandler(CreateCustomer), created),
  fake(CommandHandler(UpdateCustomer), theCustomer),
  fake(CommandHandler(ForgetCustomer), theCustomer),
  fake(CommandHandler(DeleteCustomer), () => undefined),
  fake(CommandHandler(AttachSource), () => source),
  fake(CommandHandler(DetachSource), () => undefined),
  fake(QueryHandler(GetCustomer), theCustomer),
  fake(QueryHandler(ListCustomers), (recorder) => ({ customers: [recorder.opened], hasMore: true })),
];

/** Keys by hash, in memory: only what the guard asks. */
export class FakeApiKeys extends ApiKeys {
  readonly keys = new Map<string, StoredApiKey>();
  override async findByHash(secretHash: string): Promise<StoredApiKey | undefined> {
    return this.keys.get(secretHash);
  }
  override async list(): Promise<readonly StoredApiKey[]> {
    return [...this.keys.values()];
  }
  override async add(key: StoredApiKey): Promise<void> {
    this.keys.set(key.secretHash, key);
  }
  override async addFirst(key: StoredApiKey): Promise<boolean> {
    if (this.keys.size > 0) return false;
    await this.add(key);
    return true;
  }
  override async revoke(): Promise<boolean> {
    return false;
  }
  override async health(): Promise<void> {}
}

class FixedClock extends Clock {
  override now(): number {
    return NOW;
  }
}

export interface EdgeApp {
  readonly app: NestFastifyApplication;
  readonly recorder: Recorder;
  readonly keys: FakeApiKeys;
  /** The log, a parsed line each. */
  readonly lines: Record<string, unknown>[];
  /** The log as it was written. */
  text(): string;
}

/** The whole edge over fake handlers: everything between a socket and the buses is the real thing. */
export async function startEdge(
  options: { timeouts?: Timeouts; bodyLimit?: number; allowedOrigins?: readonly string[] } = {},
): Promise<EdgeApp> {
  const recorder = new Recorder();
  const keys = new FakeApiKeys();
  const written: string[] = [];
  const log = new ServiceLogger(
    'info',
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        written.push(chunk.toString());
        done();
      },
    }),
  );
  const config = { ...readConfig({}), ...(options.bodyLimit !== undefined && { bodyLimit: options.bodyLimit }) };

  const ports = [
    { provide: CONFIG, useValue: config },
    { provide: ApiKeys, useValue: keys },
    { provide: Clock, useClass: FixedClock },
    {
      provide: ServiceSecrets,
      useValue: new ServiceSecrets(Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3), Buffer.alloc(32, 4)),
    },
    { provide: Recorder, useValue: recorder },
  ];
  @Module({})
  class Ports {}
  @Module({
    imports: [CqrsModule.forRoot(), HttpModule],
    controllers: [CustomersController],
    providers: handlers,
  })
  class Edge {}

  const testing = await Test.createTestingModule({
    imports: [{ module: Ports, global: true, providers: ports, exports: ports }, Edge],
  }).compile();
  const adapter: FastifyAdapter = createHttpAdapter(config, options.timeouts);
  const app = testing.createNestApplication<NestFastifyApplication>(adapter);
  app.useLogger(log);
  configureApp(app, log, options);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return {
    app,
    recorder,
    keys,
    text: () => written.join(''),
    get lines() {
      return written.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

export async function addKey(
  keys: FakeApiKeys,
  secret: string,
  scopes: readonly Scope[],
  more: Partial<StoredApiKey> = {},
): Promise<void> {
  await keys.add({ ...apiKeyFor(secret, { name: 'test', scopes }, NOW), ...more });
}

export type Method = 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH' | 'OPTIONS' | 'HEAD';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly json: () => unknown;
}

export type Send = (
  method: Method,
  url: string,
  sent?: { readonly body?: string | Buffer | object; readonly headers?: Readonly<Record<string, string>> },
) => Promise<Answer>;

/** Sends with the key {@link SECRET}; an object goes as JSON. */
export const sender =
  ({ app }: EdgeApp): Send =>
  async (method, url, { body, headers } = {}) => {
    const plain = typeof body === 'object' && !Buffer.isBuffer(body);
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${SECRET}`, ...type, ...headers },
      ...(body !== undefined && { payload: plain ? JSON.stringify(body) : body }),
    });
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.body,
      json: () => response.json<unknown>(),
    };
  };

/** The whole answer: status, shape, the faults in their order, and the headers every answer has. */
export function expectErrors(answer: Answer, ...errors: readonly (readonly [ErrorCode, string?])[]): void {
  const status = ERRORS[errors[0]?.[0] ?? 'invalid_format'].status;
  expect(answer.json()).toEqual({
    type: ERROR_TYPES[status],
    errors: errors.map(([code, parameter]) => ({
      code,
      ...(parameter !== undefined && { parameter }),
      message: expect.any(String) as string,
    })),
  });
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(answer.headers['x-request-id']).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
}
