import { Module } from '@nestjs/common';
import { CommandHandler, CqrsModule, type ICommandHandler, type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Writable } from 'node:stream';
import { ApiKeys, type StoredApiKey } from '../../src/access/api-keys.js';
import { apiKeyFor } from '../../src/access/secrets.js';
import type { Scope } from '../../src/access/scopes.js';
import { CONFIG, readConfig } from '../../src/config.js';
import { AttachSource } from '../../src/customers/commands/attach-source.js';
import { CreateCustomer } from '../../src/customers/commands/create-customer.js';
import { DeleteCustomer } from '../../src/customers/commands/delete-customer.js';
import { DetachSource } from '../../src/customers/commands/detach-source.js';
import { ForgetCustomer } from '../../src/customers/commands/forget-customer.js';
import { UpdateCustomer } from '../../src/customers/commands/update-customer.js';
import { CustomersController } from '../../src/customers/customers.controller.js';
import { GetCustomer } from '../../src/customers/queries/get-customer.js';
import { ListCustomers } from '../../src/customers/queries/list-customers.js';
import type { AttachedSource, CustomerView } from '../../src/customers/read-model/customer-view.js';
import type { OpenedCustomer } from '../../src/customers/read-model/opened-customer.js';
import { Clock } from '../../src/event-sourcing/clock.js';
import { configureApp, createHttpAdapter, type Timeouts } from '../../src/http/configure-app.js';
import { HttpModule } from '../../src/http/http.module.js';
import { ServiceLogger } from '../../src/http/service-logger.js';
import { ServiceSecrets } from '../../src/privacy/service-secrets.js';

export const NOW = Date.parse('2026-03-01T09:30:00.000Z');
export const SOURCE_ID = 'fd74a5c5-0163-469a-ae8e-031f0259b576';

/** What the buses were asked, and what they do: answers a customer unless told otherwise. */
export class Recorder {
  readonly asked: object[] = [];
  fails: unknown;
  opened: OpenedCustomer = { view: aView({}), taxCertificates: [] };

  record(message: object): void {
    this.asked.push(message);
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

abstract class Fake {
  constructor(protected readonly recorder: Recorder) {}
}

@CommandHandler(CreateCustomer)
class FakeCreate extends Fake implements ICommandHandler<CreateCustomer> {
  constructor(recorder: Recorder) {
    super(recorder);
  }
  async execute(command: CreateCustomer): Promise<OpenedCustomer> {
    this.recorder.record(command);
    const { opened } = this.recorder;
    return { ...opened, view: { ...opened.view, id: command.id ?? opened.view.id } };
  }
}

@CommandHandler(UpdateCustomer)
class FakeUpdate extends Fake implements ICommandHandler<UpdateCustomer> {
  constructor(recorder: Recorder) {
    super(recorder);
  }
  async execute(command: UpdateCustomer): Promise<OpenedCustomer> {
    this.recorder.record(command);
    return this.recorder.opened;
  }
}

@CommandHandler(ForgetCustomer)
class FakeForget extends Fake implements ICommandHandler<ForgetCustomer> {
  constructor(recorder: Recorder) {
    super(recorder);
  }
  async execute(command: ForgetCustomer): Promise<OpenedCustomer> {
    this.recorder.record(command);
    return this.recorder.opened;
  }
}

@CommandHandler(DeleteCustomer)
class FakeDelete extends Fake implements ICommandHandler<DeleteCustomer> {
  constructor(recorder: Recorder) {
    super(recorder);
  }
  async execute(command: DeleteCustomer): Promise<void> {
    this.recorder.record(command);
  }
}

@CommandHandler(AttachSource)
class FakeAttach extends Fake implements ICommandHandler<AttachSource> {
  constructor(recorder: Recorder) {
    super(recorder);
  }
  async execute(command: AttachSource): Promise<AttachedSource> {
    this.recorder.record(command);
    return source;
  }
}

@CommandHandler(DetachSource)
class FakeDetach extends Fake implements ICommandHandler<DetachSource> {
  constructor(recorder: Recorder) {
    super(recorder);
  }
  async execute(command: DetachSource): Promise<void> {
    this.recorder.record(command);
  }
}

@QueryHandler(GetCustomer)
class FakeGet extends Fake implements IQueryHandler<GetCustomer> {
  constructor(recorder: Recorder) {
    super(recorder);
  }
  async execute(query: GetCustomer): Promise<OpenedCustomer> {
    this.recorder.record(query);
    return this.recorder.opened;
  }
}

@QueryHandler(ListCustomers)
class FakeList extends Fake implements IQueryHandler<ListCustomers> {
  constructor(recorder: Recorder) {
    super(recorder);
  }
  async execute(query: ListCustomers): Promise<{ customers: OpenedCustomer[]; hasMore: boolean }> {
    this.recorder.record(query);
    return { customers: [this.recorder.opened], hasMore: true };
  }
}

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
export async function startEdge(options: { timeouts?: Timeouts; bodyLimit?: number } = {}): Promise<EdgeApp> {
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
    { provide: ServiceSecrets, useValue: new ServiceSecrets(Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3)) },
    { provide: Recorder, useValue: recorder },
  ];
  @Module({})
  class Ports {}
  @Module({
    imports: [CqrsModule.forRoot(), HttpModule],
    controllers: [CustomersController],
    providers: [FakeCreate, FakeUpdate, FakeForget, FakeDelete, FakeAttach, FakeDetach, FakeGet, FakeList],
  })
  class Edge {}

  const testing = await Test.createTestingModule({
    imports: [{ module: Ports, global: true, providers: ports, exports: ports }, Edge],
  }).compile();
  const adapter: FastifyAdapter = createHttpAdapter(config, options.timeouts);
  const app = testing.createNestApplication<NestFastifyApplication>(adapter, { logger: log });
  configureApp(app, log);
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

export async function addKey(keys: FakeApiKeys, secret: string, scopes: readonly Scope[], more: Partial<StoredApiKey> = {}): Promise<void> {
  await keys.add({ ...apiKeyFor(secret, { name: 'test', scopes }, NOW), ...more });
}
