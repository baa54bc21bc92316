import { decode, LIFE_ENDS, type SealedCustomerEvent } from '../customers/customer-events.js';
import { PersonalValues } from '../customers/personal-values.js';
import type { CustomerView } from '../customers/read-model/customer-view.js';
import { project } from '../customers/read-model/project.js';
import { BrokenHistory } from '../customers/domain/evolve.js';
import { customerIdOf } from '../customers/streams.js';
import { type EventMetadata, hashEvent, MalformedEvent, readMetadata } from '../event-sourcing/envelope.js';
import type { RecordedEvent } from '../event-sourcing/event-store.js';
import { UnknownEventType } from '../event-sourcing/log-follower.js';
import { KeyMissing, type KeyRing } from '../privacy/key-ring.js';
import { ERASED, PERSONAL, type Showing } from './customer-record.js';

/** One event of a customer, and the customer after it, unopened. */
export interface Step {
  readonly recorded: RecordedEvent;
  readonly event: SealedCustomerEvent;
  readonly metadata: EventMetadata;
  readonly view: CustomerView;
}

/** The history up to where it stops making sense; all of it where nobody altered it. */
export interface Steps {
  /** From the first event; the place of a step is its revision. */
  readonly steps: readonly Step[];
  /** The events from which nothing follows any more. */
  readonly rest: readonly RecordedEvent[];
  /** What is wrong with the first of these. */
  readonly problem?: string;
}

/**
 * The customer after each event of its stream, through all its lives.
 * @throws UnknownEventType a newer release wrote it
 */
export function stepsOf(events: readonly RecordedEvent[]): Steps {
  const steps: Step[] = [];
  for (const [at, recorded] of events.entries()) {
    try {
      if (recorded.revision !== at) throw new MalformedEvent('An event before this one is missing');
      steps.push(stepAfter(steps.at(-1)?.view, recorded));
    } catch (error) {
      return { steps, rest: events.slice(at), problem: problemIn(recorded, error) };
    }
  }
  return { steps, rest: [] };
}

function stepAfter(before: CustomerView | undefined, recorded: RecordedEvent): Step {
  const event = decode(recorded);
  const metadata = readMetadata(recorded);
  const { revision, stream } = recorded;
  const view = project(before, event, { customerId: customerIdOf(stream), revision, at: metadata.at });
  return { recorded, event, metadata, view };
}

/** @throws whatever does not come from what is stored */
function problemIn(recorded: RecordedEvent, error: unknown): string {
  if (error instanceof MalformedEvent) return error.message;
  if (error instanceof BrokenHistory) return 'The event can not follow what was before it';
  if (!(error instanceof UnknownEventType) || hashEvent(recorded) === recorded.metadata['hash']) throw error;
  return 'The event is of a type that no release writes';
}

/**
 * How the values of a life are shown. A life that the stream says is over is shown erased from then on, whether its key is
 * destroyed by now or not: so there is one key at most to be asked for, and none for a reader who may not see values.
 * @throws KeyMissing, StoreUnavailable with `pii` alone
 */
export async function showingOf(
  { steps, rest }: Steps,
  keys: KeyRing,
  { pii }: { readonly pii: boolean },
): Promise<(life: number) => Showing> {
  const last = steps.at(-1)?.view;
  if (last?.status !== 'active' || rest.some(({ type }) => LIFE_ENDS.has(type))) return () => ERASED;
  const ofLast = pii ? await opening(last, steps, keys) : PERSONAL;
  return (life) => (life === last.life ? ofLast : ERASED);
}

async function opening(last: CustomerView, steps: readonly Step[], keys: KeyRing): Promise<Showing> {
  const ref = { subject: last.id, revision: last.life };
  const hasSealed = steps.some(({ view, metadata }) => view.life === last.life && metadata.keyRevision !== undefined);
  if (!hasSealed) return PERSONAL;
  const key = await keys.find(ref);
  if (key === 'none') throw new KeyMissing(ref, 'absent');
  return key === 'erased' ? ERASED : new PersonalValues(key, ref);
}
