import { AttachSource, AttachSourceHandler } from '../../src/customers/commands/attach-source.js';
import { CreateCustomer, CreateCustomerHandler } from '../../src/customers/commands/create-customer.js';
import { CustomerExecution } from '../../src/customers/commands/customer-execution.js';
import { DeleteCustomer, DeleteCustomerHandler } from '../../src/customers/commands/delete-customer.js';
import { DetachSource, DetachSourceHandler } from '../../src/customers/commands/detach-source.js';
import { EraseCustomer, EraseCustomerHandler } from '../../src/customers/commands/erase-customer.js';
import { UpdateCustomer, UpdateCustomerHandler } from '../../src/customers/commands/update-customer.js';
import { CustomerError } from '../../src/customers/domain/errors.js';
import type { CustomerView } from '../../src/customers/read-model/customer-view.js';
import { CustomerViews } from '../../src/customers/read-model/customer-views.js';
import { EmailIndexing } from '../../src/customers/read-model/email-indexing.js';
import { SourceAttachment } from '../../src/customers/sources/source-attachment.js';
import { SourceDirectory } from '../../src/customers/sources/source-directory.js';
import { foldSource } from '../../src/customers/sources/source-events.js';
import { SourceFollower } from '../../src/customers/sources/source-follower.js';
import { SourceOwnership } from '../../src/customers/sources/source-ownership.js';
import {
  type CommandContext,
  IdempotencyKeyReused,
  PreconditionFailed,
} from '../../src/event-sourcing/command-context.js';
import type { RecordedEvent } from '../../src/event-sourcing/event-store.js';
import { ReadGate } from '../../src/event-sourcing/read-gate.js';
import { KeyRing } from '../../src/privacy/key-ring.js';
import { MasterKeys } from '../../src/privacy/master-keys.js';
import { ServiceSecrets } from '../../src/privacy/service-secrets.js';
import { InMemorySubjectKeys } from '../support/in-memory-subject-keys.js';
import { TestClock } from '../support/test-app.js';
import { MemoryLog } from './kernel-log.js';
import { Scheduler } from './source-ownership-scheduler.js';

/** One request of a client. */
export type Request =
  | { readonly kind: 'create'; readonly id: string; readonly sourceId?: string; readonly key?: string }
  | { readonly kind: 'update'; readonly id: string; readonly enabled: boolean }
  | {
      readonly kind: 'attach';
      readonly id: string;
      readonly sourceId: string;
      readonly key?: string;
      readonly ifMatch?: number;
    }
  | { readonly kind: 'detach'; readonly id: string; readonly sourceId: string }
  | { readonly kind: 'delete'; readonly id: string }
  | { readonly kind: 'erase'; readonly id: string }
  /** What the follower of the log does, at any moment. */
  | { readonly kind: 'settle'; readonly sourceId: string };

/** Commands, their handlers and the stores, with a pause before every call of a store. */
export class World {
  readonly scheduler = new Scheduler();
  readonly clock = new TestClock();
  readonly log: PausedLog;
  private readonly ownership: SourceOwnership;
  private readonly handlers: Handlers;

  constructor() {
    const { scheduler, clock } = this;
    this.log = new PausedLog(scheduler);
    const keys = new KeyRing(new PausedKeys(scheduler), masterKeys, clock);
    const gate = new ReadGate(
      this.log,
      { interruptions: 0 },
      { hasReached: () => true, setbacks: 0, recheck: () => Promise.resolve() },
    );
    const views = new PausedViews(scheduler);
    const customers = new CustomerExecution(this.log, clock, keys, views, new EmailIndexing(secrets), gate);
    this.ownership = new SourceOwnership(this.log, clock, customers);
    const attachment = new SourceAttachment(this.log, clock, new PausedDirectory(scheduler), this.ownership);
    this.handlers = handlersOf(customers, attachment, clock);
  }

  /** @returns `ok` or `refused`; anything else must not be */
  async request(request: Request): Promise<string> {
    try {
      await this.carryOut(request);
      return 'ok';
    } catch (error) {
      if (error instanceof PreconditionFailed || error instanceof IdempotencyKeyReused) return 'refused';
      if (!(error instanceof CustomerError)) return error instanceof Error ? error.name : 'failed';
      const [, named] = /'(.*)'/.exec(error.message) ?? [];
      return named === undefined || ('id' in request && request.id === named) ? 'refused' : `refused as ${named}`;
    }
  }

  /** All that the follower of the log would do in the end. */
  async follow(): Promise<void> {
    this.clock.advance(60_000);
    const follower = new SourceFollower(this.log, this.clock, this.ownership);
    for (let handled = 0; handled < this.log.events.length;) {
      const news = this.log.events.slice(handled);
      handled += news.length;
      await follower.handle(news, new AbortController().signal);
    }
  }

  /** The customers that hold a source now, by their own events. */
  holdersOf(sourceId: string): readonly string[] {
    const holders = new Set<string>();
    for (const { stream, type, data } of this.log.events) {
      if (type === 'SourceAttached' && data['sourceId'] === sourceId) holders.add(stream);
      if (type === 'SourceDetached' && data['sourceId'] === sourceId) holders.delete(stream);
      if (type === 'CustomerErased' || type === 'CustomerDeleted') holders.delete(stream);
    }
    return [...holders].map((stream) => stream.slice('customer-'.length));
  }

  /** What a source's own stream says of it. */
  ownershipOf(sourceId: string): string {
    const state = foldSource(this.log.stream(`source-${sourceId}`));
    return state.status === 'claimed'
      ? `of ${state.owner.customerId} in life ${String(state.owner.life)}`
      : state.status;
  }

  /** The log by its meaning: ids, times and hashes are different in every run. */
  get fingerprint(): string {
    return this.log.events.map(({ stream, type, data }) => `${stream} ${type} ${JSON.stringify(data)}`).join('\n');
  }

  private carryOut(request: Request): Promise<unknown> {
    const context = this.contextOf(request);
    const { attach, create, detach, erase, remove, update } = this.handlers;
    switch (request.kind) {
      case 'create': {
        const { id, sourceId } = request;
        return create.execute(
          new CreateCustomer(id, sourceId === undefined ? {} : { defaultSourceId: sourceId }, context),
        );
      }
      case 'update':
        return update.execute(new UpdateCustomer(request.id, { enabled: request.enabled }, context));
      case 'attach':
        return attach.execute(new AttachSource(request.id, request.sourceId, context));
      case 'detach':
        return detach.execute(new DetachSource(request.id, request.sourceId, context));
      case 'delete':
        return remove.execute(new DeleteCustomer(request.id, context));
      case 'erase':
        return erase.execute(new EraseCustomer(request.id, 'requested', context));
      case 'settle':
        return this.ownership.settle(request.sourceId, context.deadline);
      default:
        return request satisfies never;
    }
  }

  private contextOf(request: Request): CommandContext {
    const key = 'key' in request ? request.key : undefined;
    const ifMatch = 'ifMatch' in request ? request.ifMatch : undefined;
    return {
      actor: { type: 'api_key', id: 'test' },
      requestId: 'test',
      deadline: this.clock.now() + 60_000,
      ...(key !== undefined && {
        idempotency: { commandId: `${request.kind} ${key}`, fingerprint: JSON.stringify(request) },
      }),
      ...(ifMatch !== undefined && { ifMatch: [ifMatch] }),
    };
  }
}

const masterKeys = new MasterKeys([{ id: 'test', key: new Uint8Array(32).fill(7) }]);
const secret = new Uint8Array(32);
const secrets = new ServiceSecrets(secret, secret, secret, secret);

type Handlers = ReturnType<typeof handlersOf>;
const handlersOf = (customers: CustomerExecution, attachment: SourceAttachment, clock: TestClock) => ({
  attach: new AttachSourceHandler(customers, attachment),
  create: new CreateCustomerHandler(customers, attachment),
  detach: new DetachSourceHandler(customers),
  erase: new EraseCustomerHandler(customers, clock),
  remove: new DeleteCustomerHandler(customers),
  update: new UpdateCustomerHandler(customers),
});

class PausedLog extends MemoryLog {
  constructor(private readonly scheduler: Scheduler) {
    super();
  }
  override append(...args: Parameters<MemoryLog['append']>): ReturnType<MemoryLog['append']> {
    return this.scheduler.turn(
      `append to ${args[0]}`,
      () => super.append(...args),
      () => 'done',
    );
  }
  override read(...args: Parameters<MemoryLog['read']>): Promise<readonly RecordedEvent[]> {
    // Streams only grow: how long it was says what was read.
    return this.scheduler.turn(
      `read ${args[0]}`,
      () => super.read(...args),
      (events) => String(events.length),
    );
  }
}

class PausedKeys extends InMemorySubjectKeys {
  constructor(private readonly scheduler: Scheduler) {
    super();
  }
  override find(...args: Parameters<InMemorySubjectKeys['find']>): ReturnType<InMemorySubjectKeys['find']> {
    return this.scheduler.turn(
      'find key',
      () => super.find(...args),
      ({ status }) => status,
    );
  }
  override create(...args: Parameters<InMemorySubjectKeys['create']>): ReturnType<InMemorySubjectKeys['create']> {
    return this.scheduler.turn(
      'make key',
      () => super.create(...args),
      ({ status }) => status,
    );
  }
  override destroy(...args: Parameters<InMemorySubjectKeys['destroy']>): ReturnType<InMemorySubjectKeys['destroy']> {
    return this.scheduler.turn(
      'destroy key',
      () => super.destroy(...args),
      () => 'done',
    );
  }
}

class PausedDirectory extends SourceDirectory {
  constructor(private readonly scheduler: Scheduler) {
    super();
  }
  override find(id: string): Promise<{ id: string; state: string; reusable: boolean }> {
    const found = { id, state: 'chargeable', reusable: true };
    return this.scheduler.turn(
      `find ${id}`,
      () => Promise.resolve(found),
      () => 'found',
      true,
    );
  }
}

/** Commands only ever write to the views. */
class PausedViews extends CustomerViews {
  constructor(private readonly scheduler: Scheduler) {
    super();
  }
  override save(views: readonly CustomerView[]): Promise<void> {
    return this.scheduler.turn(
      `save ${views.map(({ id }) => id).join()}`,
      () => Promise.resolve(),
      () => 'done',
      true,
    );
  }
  override get = notUsed;
  override list = notUsed;
  override dueForErasure = notUsed;
  override getMany = notUsed;
  override versions = notUsed;
  override ids = notUsed;
  override generations = notUsed;
  override startBuilding = notUsed;
  override goLive = notUsed;
  override dropGeneration = notUsed;
  override health = notUsed;
}

function notUsed(): Promise<never> {
  return Promise.reject(new Error('A command must not read the views'));
}
