import { decode, type SealedCustomerEvent } from '../customers/customer-events.js';
import { PersonalValues } from '../customers/personal-values.js';
import type { CustomerView } from '../customers/read-model/customer-view.js';
import { project } from '../customers/read-model/project.js';
import { customerIdOf } from '../customers/streams.js';
import { type EventMetadata, readMetadata } from '../event-sourcing/envelope.js';
import type { RecordedEvent } from '../event-sourcing/event-store.js';
import { KeyMissing, type KeyRing } from '../privacy/key-ring.js';
import { ERASED, PERSONAL, type Showing } from './customer-record.js';

/** One event of a customer, and the customer after it, unopened. */
export interface Step {
  readonly recorded: RecordedEvent;
  readonly event: SealedCustomerEvent;
  readonly metadata: EventMetadata;
  readonly view: CustomerView;
}

/**
 * The customer after each event of its stream, from the first, through all its lives; the place of a step is its revision.
 * @throws UnknownEventType, MalformedEvent, BrokenHistory
 */
export function stepsOf(events: readonly RecordedEvent[]): readonly Step[] {
  let view: CustomerView | undefined;
  return events.map((recorded) => {
    const event = decode(recorded);
    const metadata = readMetadata(recorded);
    const { revision, stream } = recorded;
    view = project(view, event, { customerId: customerIdOf(stream), revision, at: metadata.at });
    return { recorded, event, metadata, view };
  });
}

/**
 * How the values of a life are shown. A life that the stream says is over is shown erased from then on, whether its key is
 * destroyed by now or not: so there is one key at most to be asked for, and none for a reader who may not see values.
 * @throws KeyMissing, StoreUnavailable with `pii` alone
 */
export async function showingOf(
  steps: readonly Step[],
  keys: KeyRing,
  { pii }: { readonly pii: boolean },
): Promise<(life: number) => Showing> {
  const last = steps.at(-1)?.view;
  if (last?.status !== 'active') return () => ERASED;
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
