import { Injectable, Optional } from '@nestjs/common';
import { Clock } from '../../event-sourcing/clock.js';
import { type Execution, execute, HistoryMovedOn } from '../../event-sourcing/command-execution.js';
import { type CommandContext, PreconditionFailed } from '../../event-sourcing/command-context.js';
import { within } from '../../event-sourcing/deadline.js';
import type { EventDraft } from '../../event-sourcing/envelope.js';
import { EventStore } from '../../event-sourcing/event-store.js';
import { ReadGate } from '../../event-sourcing/read-gate.js';
import { RepeatedFailure } from '../../event-sourcing/repeated-failure.js';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { followerLog } from '../../follower-log.js';
import { StreamDamaged } from '../../event-sourcing/stream-damage.js';
import { CommandRetries } from '../../metrics/command-retries.js';
import { inSpan } from '../../metrics/tracing.js';
import { KeyRing } from '../../privacy/key-ring.js';
import { SealBroken } from '../../privacy/sealing.js';
import { type CustomerHistory, foldCustomer } from '../customer-history.js';
import { CustomerStreams } from '../customer-streams.js';
import { type CustomerCommand, decide } from '../domain/decide.js';
import { customerErased } from '../domain/errors.js';
import type { CustomerEvent } from '../domain/events.js';
import { PERSONAL_FIELDS } from '../domain/fields.js';
import type { CustomerState } from '../domain/state.js';
import { isPersonal, PersonalValues, withOpened } from '../personal-values.js';
import type { CustomerView } from '../read-model/customer-view.js';
import { CustomerViews } from '../read-model/customer-views.js';
import { EmailIndexing } from '../read-model/email-indexing.js';
import type { OpenedCustomer } from '../read-model/opened-customer.js';
import { customerStream } from '../streams.js';
import { draftEvents } from './draft-events.js';
import { isRepeat } from './repeats.js';

/** No failed write-through for this long means that it works again. */
const QUIET_MS = 10_000;

interface Decision {
  readonly past: CustomerHistory;
  readonly values: PersonalValues | undefined;
  readonly drafts: readonly EventDraft[];
}

/**
 * How every command on a customer is carried out: read the stream, fold, open, decide, seal, append at the revision read,
 * write the view through, answer from the same fold. The view is never read here.
 */
@Injectable()
export class CustomerExecution {
  private readonly failing = new RepeatedFailure({
    log: followerLog(CustomerExecution.name),
    what: 'A view could not be written through',
    quietMs: QUIET_MS,
  });

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly keys: KeyRing,
    private readonly views: CustomerViews,
    private readonly emails: EmailIndexing,
    private readonly gate: ReadGate,
    private readonly streams: CustomerStreams,
    @Optional() private readonly retries?: CommandRetries,
  ) {}

  /**
   * @param isNew the id was made just now: it is nobody's
   * @throws CustomerError and the errors of `execute`, PreconditionFailed, IdempotencyKeyReused, KeyMissing
   * @throws StreamDamaged the customer is set aside
   */
  run(command: CustomerCommand, context: CommandContext, isNew = false): Promise<OpenedCustomer> {
    return this.streams.guard(command.id, () => this.carryOut(command, context, isNew));
  }

  private async carryOut(command: CustomerCommand, context: CommandContext, isNew: boolean): Promise<OpenedCustomer> {
    const needsKey = command.kind === 'create' && mayMakeKey(command, context);
    let decided = false;
    let fenced: number | undefined;
    const done = await execute(this.store, this.clock, {
      stream: customerStream(command.id),
      deadline: context.deadline,
      expectNew: command.kind === 'create' && (isNew || !needsKey),
      decide: async (history) => {
        if (decided) this.retries?.count(command.kind);
        decided = true;
        // What a decision may wait for is the key store alone.
        const left = context.deadline - this.clock.now();
        const past = foldCustomer(history);
        // A new id is nobody's, and where a key is needed, that tells whether the customer was there before.
        if (history.length === 0 && !isNew && !needsKey) await this.streams.refuseRemoved(command.id);
        const decision = this.decide(command, context, past).catch((error: unknown) => {
          // Read again, and still nothing in the stream of what destroyed the key: a log from before the erasure.
          if (error instanceof HistoryMovedOn && fenced === past.revision) throw customerErased(command.id);
          if (error instanceof HistoryMovedOn) fenced = past.revision;
          if (error instanceof SealBroken) throw brokenSeal(command.id, error);
          throw error;
        });
        return within(left, decision, () => new StoreUnavailable('subject_keys'));
      },
    });
    return this.answer(done, context.deadline);
  }

  private async decide(command: CustomerCommand, asked: CommandContext, past: CustomerHistory): Promise<Decision> {
    const context = endsLife(command) ? withoutSealed(asked) : asked;
    const values = await this.valuesOf(command, past);
    if (isRepeat(command, context, past, values)) return { past, values, drafts: [] };
    if (past.state.status === 'active') requireMatch(context, past.revision);
    const events = decide(command, openState(past.state, values));
    const sealing = await this.sealing(command.id, context, past, values, events);
    const drafts = draftEvents(events, { context, past, values: sealing, now: this.clock.now() });
    return { past, values: sealing, drafts };
  }

  /** What opens this life's values; none while there is nothing to open. Ending a life needs no key. */
  private async valuesOf(command: CustomerCommand, past: CustomerHistory): Promise<PersonalValues | undefined> {
    const { status, life } = past.state;
    if (status !== 'active' || !past.hasSealed || endsLife(command)) return undefined;
    const ref = { subject: command.id, revision: life };
    const key = await this.keys.require(ref);
    if (key === 'erased') throw new HistoryMovedOn('The key is destroyed: the life it belonged to has ended');
    return new PersonalValues(key, ref);
  }

  private async sealing(
    id: string,
    { idempotency, reason }: CommandContext,
    { state }: CustomerHistory,
    values: PersonalValues | undefined,
    events: readonly CustomerEvent[],
  ): Promise<PersonalValues | undefined> {
    const besides = idempotency?.fingerprint ?? reason?.text;
    const needed = events.length > 0 && (besides !== undefined || events.some(isPersonal));
    if (values !== undefined || !needed) return values;
    // The fence of the life before stands before the key of the next one is made.
    if (state.status === 'deleted') await this.keys.destroy({ subject: id, revision: state.life });
    const ref = { subject: id, revision: state.status === 'active' ? state.life : state.life + 1 };
    const { key, isNew } = await this.keys.begin(ref);
    if (state.status === 'none' && !isNew) await this.streams.refuseRemovedOf(id);
    if (key === 'erased') throw new HistoryMovedOn('Behind the fence no key is made');
    return new PersonalValues(key, ref);
  }

  private async answer(done: Execution<Decision>, deadline: number): Promise<OpenedCustomer> {
    const { past, values } = done.decision;
    const { view } = foldCustomer(done.appended, past);
    if (view === undefined) throw new RangeError('A command was accepted for a customer that does not exist');
    const opened = values?.openView(view) ?? { view, taxCertificates: [] };
    // Also where nothing was left to do: another's change may not be written yet, and must not be unseen after this answer.
    await this.writeThrough(this.emails.withIndex(view, opened.email), done, deadline);
    return opened;
  }

  /** The log is the truth: a view that could not be written is the projector's to mend, and reads wait for it. */
  private async writeThrough(view: CustomerView, done: Execution<Decision>, deadline: number): Promise<void> {
    try {
      const left = Math.max(100, deadline - this.clock.now());
      const save = (): Promise<void> => within(left, this.views.save([view]), () => new StoreUnavailable('read_model'));
      await inSpan('project', { 'customers.events': done.appended.length }, save);
    } catch (error) {
      this.failing.failed(error);
      const position = done.position ?? done.history.at(-1)?.position;
      if (position !== undefined) this.gate.closeUntil(position);
    }
  }
}

/**
 * A creation that needs a key reads the stream first: were the customer there and its key lost, it would make another before
 * it met the conflict, and so hide that.
 */
const mayMakeKey = ({ changes }: Extract<CustomerCommand, { kind: 'create' }>, context: CommandContext): boolean =>
  context.idempotency?.fingerprint !== undefined ||
  context.reason?.text !== undefined ||
  changes.defaultSourceId != null ||
  PERSONAL_FIELDS.some((field) => changes[field] != null);

/** What is opened here stands in the events that were read. */
const brokenSeal = (id: string, cause: SealBroken): StreamDamaged =>
  new StreamDamaged(customerStream(id), 'altered', undefined, { cause });

const endsLife = ({ kind }: CustomerCommand): boolean => kind === 'delete' || kind === 'erase';

/** With the end of a life nothing is sealed: its key is about to be destroyed, and where it is lost, none must be made. */
function withoutSealed({ idempotency, reason, ...rest }: CommandContext): CommandContext {
  return {
    ...rest,
    ...(idempotency !== undefined && { idempotency: { commandId: idempotency.commandId } }),
    ...(reason !== undefined && { reason: { code: reason.code } }),
  };
}

function openState(state: CustomerHistory['state'], values: PersonalValues | undefined): CustomerState {
  if (state.status !== 'active') return state;
  return values?.openState(state) ?? withOpened(state);
}

function requireMatch(context: CommandContext, revision: number): void {
  if (context.ifMatch !== undefined && !context.ifMatch.includes(revision)) {
    throw new PreconditionFailed('The customer is at another version');
  }
}
