import type { CommandBus } from '@nestjs/cqrs';
import { readConfig } from '../../src/config.js';
import { CreateCustomer, CreateCustomerHandler } from '../../src/customers/commands/create-customer.js';
import { CustomerExecution } from '../../src/customers/commands/customer-execution.js';
import { DeleteCustomer, DeleteCustomerHandler } from '../../src/customers/commands/delete-customer.js';
import { DueErasures } from '../../src/customers/commands/due-erasures.js';
import { EraseCustomer, EraseCustomerHandler } from '../../src/customers/commands/erase-customer.js';
import { ForgetCustomer, ForgetCustomerHandler } from '../../src/customers/commands/forget-customer.js';
import { UpdateCustomer, UpdateCustomerHandler } from '../../src/customers/commands/update-customer.js';
import { GetCustomer, GetCustomerHandler } from '../../src/customers/queries/get-customer.js';
import { CustomerErasures } from '../../src/customers/read-model/customer-erasures.js';
import { CustomerProjection, projectionCheckpoint } from '../../src/customers/read-model/customer-projection.js';
import { EmailIndexing } from '../../src/customers/read-model/email-indexing.js';
import { OpenViews } from '../../src/customers/read-model/open-views.js';
import type { OpenedCustomer } from '../../src/customers/read-model/opened-customer.js';
import { rebuildViews } from '../../src/customers/read-model/rebuild.js';
import { SourceAttachment } from '../../src/customers/sources/source-attachment.js';
import { SourceOwnership } from '../../src/customers/sources/source-ownership.js';
import { AcceptAllSourceDirectory } from '../../src/customers/sources/accept-all-source-directory.js';
import { type Checkpoints, namedInCheckpoint } from '../../src/event-sourcing/checkpoints.js';
import type { CommandContext } from '../../src/event-sourcing/command-context.js';
import type { LogHandler } from '../../src/event-sourcing/log-follower.js';
import { ReadGate } from '../../src/event-sourcing/read-gate.js';
import { ErasureFollower } from '../../src/privacy/erasure-follower.js';
import { KeyRing } from '../../src/privacy/key-ring.js';
import { rotate } from '../../src/privacy/master-key-rotation.js';
import { MasterKeys } from '../../src/privacy/master-keys.js';
import { ServiceSecrets } from '../../src/privacy/service-secrets.js';
import { TestClock } from '../support/test-clock.js';
import { SteppedCheckpoints, SteppedKeys, SteppedLog, SteppedViews } from './erasure-stores.js';
import { Scheduler } from './source-ownership-scheduler.js';

export const MASTERS = ['one', 'two'].map((id, at) => ({ id, key: new Uint8Array(32).fill(at + 1) }));
export const ALL_MASTER_KEYS = new MasterKeys(MASTERS);
const secret = new Uint8Array(32);
const secrets = new ServiceSecrets(secret, secret, secret, secret);
const emails = new EmailIndexing(secrets);
const CONFIG = readConfig({ FORGET_GRACE_DAYS: '1' });
/** Nothing here is about running out of time; real timers wait for it. */
const FAR_MS = 20 * 86_400_000;
const BATCH = 3;

export type ChangeKind = 'create' | 'update' | 'disable' | 'forget' | 'withdraw' | 'erase' | 'delete';

/** One request. The same key is the same request, sent again. */
export interface Change {
  readonly kind: ChangeKind;
  readonly id: string;
  readonly key?: number | undefined;
  readonly email?: string | undefined;
  /** Whether the request says why, in words that are sealed. */
  readonly reason?: boolean | undefined;
  readonly requestId: string;
}

/** What outlives a process: the stores, and the time. */
export class Shared {
  readonly scheduler = new Scheduler();
  readonly clock = new TestClock();
  readonly log = new SteppedLog(this.scheduler);
  readonly views = new SteppedViews(this.scheduler);
  readonly checkpoints = new SteppedCheckpoints(this.scheduler);
  readonly keys = new SteppedKeys(this.scheduler);
  readonly keyCheckpoints = new SteppedCheckpoints(this.scheduler);
  private rotations = 0;

  /** Each makes the other of the two master keys the active one. */
  async rotate(): Promise<void> {
    this.rotations += 1;
    await rotate(this.keys, new MasterKeys(this.rotations % 2 === 1 ? MASTERS.toReversed() : MASTERS));
  }

  async rebuild(): Promise<void> {
    const { log: store, views, checkpoints, clock } = this;
    const keys = new KeyRing(this.keys, ALL_MASTER_KEYS, clock);
    await rebuildViews({
      store,
      views,
      checkpoints,
      projectionInto: (generation) => new CustomerProjection(store, views, keys, emails, generation),
      onProgress: () => undefined,
      settleMs: 0,
    });
  }
}

/** One process of the service: what it knows is gone with it. */
export class Instance {
  private readonly gate: ReadGate;
  private readonly get: GetCustomerHandler;
  private readonly handlers: ReturnType<typeof handlersOf>;
  private readonly projection: CustomerProjection;
  private readonly erasing: ErasureFollower;
  private readonly due: DueErasures;

  constructor(private readonly shared: Shared) {
    const { log, views, clock, checkpoints } = shared;
    const keys = new KeyRing(shared.keys, ALL_MASTER_KEYS, clock);
    this.projection = new CustomerProjection(log, views, keys, emails);
    this.erasing = new ErasureFollower(new CustomerErasures(this.projection), keys);
    this.gate = new ReadGate(log, views, {
      hasReached: (position) => {
        const saved = checkpoints.saved.get(projectionCheckpoint(views.live));
        return saved !== undefined && log.comparePositions(saved.position, position) >= 0;
      },
      setbacks: 0,
      recheck: () => Promise.resolve(),
    });
    const customers = new CustomerExecution(log, clock, keys, views, emails, this.gate);
    this.handlers = handlersOf(customers, shared);
    this.get = new GetCustomerHandler(views, new OpenViews(keys, views, log), this.gate);
    const execute = (command: EraseCustomer): Promise<void> => this.handlers.erase.execute(command);
    const bus: unknown = { execute };
    this.due = new DueErasures(checkpoints, views, bus as CommandBus, clock, { role: 'all' });
  }

  read(id: string): Promise<OpenedCustomer> {
    return this.get.execute(new GetCustomer(id));
  }

  eraseDue(): Promise<void> {
    return this.due.run();
  }

  project(): Promise<void> {
    return this.follow(this.projection, this.shared.checkpoints);
  }

  finishErasures(): Promise<void> {
    return this.follow(this.erasing, this.shared.keyCheckpoints);
  }

  async change({ kind, id, key, email, reason, requestId }: Change): Promise<OpenedCustomer | undefined> {
    const { create, erase, forget, remove, update } = this.handlers;
    const context: CommandContext = {
      actor: { type: 'api_key', id: 'test' },
      requestId,
      deadline: this.shared.clock.now() + FAR_MS,
      ...(reason === true && { reason: { code: 'asked', text: 'by phone' } }),
      ...(key !== undefined && {
        idempotency: { commandId: `${kind} ${id} ${String(key)}`, fingerprint: `${kind} ${id} ${String(key)}` },
      }),
    };
    const personal = email === undefined ? {} : { email };
    switch (kind) {
      case 'create':
        return create.execute(new CreateCustomer(id, personal, context));
      case 'update':
        return update.execute(new UpdateCustomer(id, personal, context));
      case 'disable':
        return update.execute(new UpdateCustomer(id, { enabled: false }, context));
      case 'forget':
        return forget.execute(new ForgetCustomer(id, personal, context));
      case 'withdraw':
        return update.execute(new UpdateCustomer(id, { requestToBeForgotten: false }, context));
      case 'erase':
        await erase.execute(new EraseCustomer(id, 'requested', context));
        return undefined;
      case 'delete':
        await remove.execute(new DeleteCustomer(id, context));
        return undefined;
      default:
        return kind satisfies never;
    }
  }

  /** From the checkpoint to the head, the work first and then the checkpoint: what LogFollower does, without its pauses. */
  private async follow(handler: LogHandler, checkpoints: Checkpoints): Promise<void> {
    const { log } = this.shared;
    const name = await handler.checkpointName();
    for (;;) {
      const after = (await checkpoints.load(name))?.position;
      const rest = log.events.filter(
        ({ position }) => after === undefined || log.comparePositions(position, after) > 0,
      );
      const batch = rest.slice(0, BATCH);
      const last = batch.at(-1);
      if (last === undefined) return;
      await handler.handle(batch, new AbortController().signal);
      const checkpoint = { logId: await log.logId(), position: last.position, last: namedInCheckpoint(last) };
      await checkpoints.save(name, checkpoint);
    }
  }
}

function handlersOf(customers: CustomerExecution, { log, clock }: Shared) {
  const ownership = new SourceOwnership(log, clock, customers);
  const attachment = new SourceAttachment(log, clock, new AcceptAllSourceDirectory(), ownership);
  return {
    create: new CreateCustomerHandler(customers, attachment),
    erase: new EraseCustomerHandler(customers, clock),
    forget: new ForgetCustomerHandler(customers, clock, CONFIG),
    remove: new DeleteCustomerHandler(customers),
    update: new UpdateCustomerHandler(customers),
  };
}
