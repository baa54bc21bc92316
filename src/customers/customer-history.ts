import { readMetadata } from '../event-sourcing/envelope.js';
import type { StreamEvent } from '../event-sourcing/event-store.js';
import { isSealed, type Sealed } from '../privacy/sealed.js';
import { decode } from './customer-events.js';
import { reading, requireSuccessor } from './damaged-events.js';
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
  /** Of the newest event; undefined while the stream is absent. */
  readonly hash: string | undefined;
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
  hash: undefined,
  at: 0,
  hasSealed: false,
  commands: new Map(),
};

/**
 * Folds events onto what was before them, or onto nothing.
 * @throws StreamDamaged nothing follows from them
 * @throws UnknownEventType a newer release wrote one
 */
export function foldCustomer(events: readonly StreamEvent[], before: CustomerHistory = nothing): CustomerHistory {
  let { state, revision, hash, at, hasSealed } = before;
  const commands = new Map(before.commands);
  for (const recorded of events) {
    const { event, metadata } = reading(recorded, () => {
      requireSuccessor(recorded, hash === undefined ? undefined : { revision, hash });
      const read = { event: decode(recorded), metadata: readMetadata(recorded) };
      state = evolve(state, read.event, isoTime(read.metadata.at));
      return read;
    });
    const { commandId, fingerprint, keyRevision } = metadata;
    if (event.type === 'CustomerCreated') hasSealed = false;
    ({ revision } = recorded);
    ({ at, hash } = metadata);
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
  return { state, view, revision, hash, at, hasSealed, commands };
}
