import type { EventStore, RecordedEvent } from '../../event-sourcing/event-store.js';
import type { LogHandler } from '../../event-sourcing/log-follower.js';
import { readMetadata } from '../../event-sourcing/envelope.js';
import { cutAt, StreamDamaged } from '../../event-sourcing/stream-damage.js';
import { inSpan } from '../../metrics/tracing.js';
import { KeyMissing, type KeyRing } from '../../privacy/key-ring.js';
import { SealBroken } from '../../privacy/sealing.js';
import { decode } from '../customer-events.js';
import { foldCustomer } from '../customer-history.js';
import { reading } from '../damaged-events.js';
import { PersonalValues } from '../personal-values.js';
import { CUSTOMER_PREFIX, customerIdOf, customerStream } from '../streams.js';
import type { CustomerView } from './customer-view.js';
import type { CustomerViews } from './customer-views.js';
import type { EmailIndexing } from './email-indexing.js';
import { project } from './project.js';

export const projectionCheckpoint = (generation: number): string => `customers@${String(generation)}`;

/**
 * Brings the views up to the log: the safety net behind write-through, and with a `generation` of its own the engine of a
 * rebuild. What a view already holds is passed over; where an event is missing in between, the stream is folded anew.
 */
export class CustomerProjection implements LogHandler {
  readonly name = 'customers';
  readonly prefixes = [CUSTOMER_PREFIX];

  constructor(
    private readonly store: EventStore,
    private readonly views: CustomerViews,
    private readonly keys: KeyRing,
    private readonly emails: EmailIndexing,
    /** Absent: the live generation, and the one under construction too. */
    private readonly generation?: number,
  ) {}

  async checkpointName(): Promise<string> {
    return projectionCheckpoint(this.generation ?? (await this.views.generations()).live);
  }

  handle(events: readonly RecordedEvent[]): Promise<void> {
    return inSpan('project', { 'customers.events': events.length }, () => this.bringUpTo(events));
  }

  private async bringUpTo(events: readonly RecordedEvent[]): Promise<void> {
    const newest = byCustomer(events);
    const versions = await this.views.versions([...newest.keys()], this.generation);
    const behind = new Map<string, readonly RecordedEvent[]>();
    for (const [id, recorded] of newest) {
      const version = versions.get(id) ?? -1;
      const missing = recorded.filter(({ revision }) => revision > version);
      if (missing.length > 0) behind.set(id, missing);
    }
    if (behind.size === 0) return;
    const stored = await this.views.getMany([...behind.keys()], this.generation);
    const projected: CustomerView[] = [];
    for (const [id, missing] of behind) projected.push(await this.bring(stored.get(id), id, missing));
    await this.views.save(await this.withIndexes(projected, stored), this.generation);
  }

  private async bring(
    view: CustomerView | undefined,
    id: string,
    missing: readonly RecordedEvent[],
  ): Promise<CustomerView> {
    const contiguous = missing[0]?.revision === (view?.version ?? -1) + 1;
    if (contiguous) return projectAll(view, missing);
    const stream = customerStream(id);
    const folded = foldCustomer(await this.store.read(stream)).view;
    // It was seen in the log a moment ago: the stream was deleted.
    if (folded === undefined) throw new StreamDamaged(stream, 'removed');
    return folded;
  }

  /** The keyed hash is made once a batch for each customer whose address changed, with one key look-up for all. */
  private async withIndexes(
    views: readonly CustomerView[],
    stored: ReadonlyMap<string, CustomerView>,
  ): Promise<readonly CustomerView[]> {
    const changed = views.filter(({ id, email }) => email !== undefined && email !== stored.get(id)?.email);
    const refs = changed.map(({ id, life }) => ({ subject: id, revision: life }));
    const keys = await this.keys.findMany(refs);
    const indexed = new Map<string, CustomerView>();
    for (const [at, view] of changed.entries()) {
      const [key, ref] = [keys[at], refs[at]];
      if (view.email === undefined || ref === undefined) continue;
      if (key === undefined || key === 'none') throw new KeyMissing(ref, 'absent');
      // Behind the fence the view is about to be redacted: an event further on in the log says so.
      const email = key === 'erased' ? undefined : addressIn(view, new PersonalValues(key, ref));
      indexed.set(view.id, this.emails.withIndex(view, email));
    }
    return views.map(
      (view) => indexed.get(view.id) ?? (view.email === undefined ? this.emails.withIndex(view, undefined) : view),
    );
  }
}

function byCustomer(events: readonly RecordedEvent[]): Map<string, RecordedEvent[]> {
  const grouped = new Map<string, RecordedEvent[]>();
  for (const event of events) {
    const id = customerIdOf(event.stream);
    const group = grouped.get(id);
    if (group === undefined) grouped.set(id, [event]);
    else group.push(event);
  }
  return grouped;
}

/** @throws StreamDamaged */
function projectAll(view: CustomerView | undefined, events: readonly RecordedEvent[]): CustomerView {
  let projected = view;
  for (const event of events) {
    projected = reading(event, () => {
      const { revision, stream } = event;
      const expected = (projected?.version ?? -1) + 1;
      if (revision !== expected) throw cutAt(stream, expected);
      return project(projected, decode(event), {
        customerId: customerIdOf(stream),
        revision,
        at: readMetadata(event).at,
      });
    });
  }
  if (projected === undefined) throw new RangeError('Nothing to project');
  return projected;
}

/** @throws StreamDamaged what stands there was not sealed there */
function addressIn({ id, version, email }: CustomerView, values: PersonalValues): string | undefined {
  try {
    return email && values.openText('email', email);
  } catch (error) {
    if (!(error instanceof SealBroken)) throw error;
    throw new StreamDamaged(customerStream(id), 'altered', version, { cause: error });
  }
}
