import { readMetadata } from '../event-sourcing/envelope.js';
import type { StreamEvent } from '../event-sourcing/event-store.js';
import { isSealed, type Sealed } from '../privacy/sealed.js';
import { decode } from './customer-events.js';
import { evolve } from './domain/evolve.js';
import { type CustomerState, noCustomer } from './domain/state.js';
import type { CustomerView, SealedPersonal } from './read-model/customer-view.js';
import { isoTime, viewOf } from './read-model/project.js';
import { customerIdOf } from './streams.js';

/** A command that is already in the stream. */
export interface RecordedCommand {
  /** The life it took effect in. */
  readonly life: number;
  readonly fingerprint?: Sealed;
  /** What an erasure was asked for with: with the end of a life nothing is sealed, so there is no fingerprint. */
  readonly reasonCode?: string;
}

/** A customer's stream, folded but not opened: everything a command needs to know before it needs a key. */
export interface CustomerHistory {
  readonly state: CustomerState<SealedPersonal>;
  /** Without `emailIndex`. */
  readonly view: CustomerView | undefined;
  /** -1 while the stream is absent. */
  readonly revision: number;
  /** Milliseconds since the epoch, of the newest event; 0 while the stream is absent. */
  readonly at: number;
  /** Whether this life has recorded a sealed value, and so must have a key. */
  readonly hasSealed: boolean;
  readonly commands: ReadonlyMap<string, RecordedCommand>;
}

const nothing: CustomerHistory = {
  state: noCustomer,
  view: undefined,
  revision: -1,
  at: 0,
  hasSealed: false,
  commands: new Map(),
};

/** Folds events onto what was before them, or onto nothing. @throws UnknownEventType, MalformedEvent, BrokenHistory */
export function foldCustomer(events: readonly StreamEvent[], before: CustomerHistory = nothing): CustomerHistory {
  let { state, revision, at, hasSealed } = before;
  const commands = new Map(before.commands);
  for (const recorded of events) {
    const event = decode(recorded);
    const { commandId, fingerprint, keyRevision, at: happenedAt } = readMetadata(recorded);
    if (event.type === 'CustomerCreated') hasSealed = false;
    state = evolve(state, event, isoTime(happenedAt));
    ({ revision } = recorded);
    at = happenedAt;
    hasSealed ||= keyRevision !== undefined;
    if (!commands.has(commandId)) {
      const reasonCode = event.type === 'CustomerErased' ? event.data.reasonCode : undefined;
      commands.set(commandId, {
        life: state.life,
        ...(isSealed(fingerprint) && { fingerprint }),
        ...(reasonCode !== undefined && { reasonCode }),
      });
    }
  }
  const [newest] = events.slice(-1);
  const view = newest === undefined ? before.view : viewOf(customerIdOf(newest.stream), revision, state);
  return { state, view, revision, at, hasSealed, commands };
}
