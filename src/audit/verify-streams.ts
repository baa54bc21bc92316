import { foldCustomer } from '../customers/customer-history.js';
import type { CustomerView } from '../customers/read-model/customer-view.js';
import type { CustomerViews } from '../customers/read-model/customer-views.js';
import { CUSTOMER_PREFIX, customerIdOf, customerStream } from '../customers/streams.js';
import { canonicalJson } from '../event-sourcing/canonical-json.js';
import type { EventStore, Position, RecordedEvent } from '../event-sourcing/event-store.js';
import { StreamDamaged } from '../event-sourcing/stream-damage.js';
import type { Findings, NamedEvent } from './verify-findings.js';

/** By the id of the customer. */
export type EmailIndexes = (views: readonly CustomerView[]) => Promise<ReadonlyMap<string, readonly string[]>>;

export interface StreamCheckParts {
  readonly store: Pick<EventStore, 'read' | 'comparePositions'>;
  readonly views: Pick<CustomerViews, 'getMany' | 'ids'>;
  readonly findings: Findings;
  /** What the log held when the verification began: later events are of a later one. */
  readonly head: Position;
  /** What the views must hold: how far the projector had come when the verification began. */
  readonly projected: Position | undefined;
  /** The keyed hashes of which the view must hold one; undefined where the address can't be opened any more. */
  readonly emailIndexes?: EmailIndexes;
}

const AT_ONCE = 32;
const IDS = 1_000;

/** Reads each stream whole, one after the other: its chain, and the view that follows from it. */
export class StreamCheck {
  streams = 0;
  events = 0;
  views = 0;

  constructor(private readonly parts: StreamCheckParts) {}

  async check(streams: readonly string[]): Promise<void> {
    for (let at = 0; at < streams.length; at += AT_ONCE) await this.some(streams.slice(at, at + AT_ONCE));
  }

  private async some(streams: readonly string[]): Promise<void> {
    const { views, store } = this.parts;
    const customers = streams.filter((stream) => stream.startsWith(CUSTOMER_PREFIX)).map(customerIdOf);
    // Views first: what the log holds afterwards is never less than what they show.
    const found = await views.getMany(customers);
    const indexes = (await this.parts.emailIndexes?.([...found.values()])) ?? new Map<string, readonly string[]>();
    const read = await Promise.all(streams.map((stream) => store.read(stream).catch(ifRemoved)));
    for (const [at, events] of read.entries()) {
      const stream = streams[at] ?? '';
      if (events.length === 0) {
        // Its events were met on the way through the log: it was there.
        this.parts.findings.add('removed', 'The stream was deleted', { stream, revision: 0 });
        continue;
      }
      this.checkChain(stream, events);
      if (!stream.startsWith(CUSTOMER_PREFIX)) continue;
      const id = customerIdOf(stream);
      this.checkView(id, events, found.get(id), indexes.get(id));
    }
  }

  private checkChain(stream: string, events: readonly RecordedEvent[]): void {
    const { store, head, findings } = this.parts;
    this.streams += 1;
    let before: RecordedEvent | undefined;
    for (const event of events) {
      if (store.comparePositions(event.position, head) <= 0) this.events += 1;
      const place: NamedEvent = { stream, revision: event.revision, eventId: event.id };
      if (event.revision !== (before?.revision ?? -1) + 1) {
        findings.add('chain', `The stream has no event ${String((before?.revision ?? -1) + 1)}: one is missing`, place);
      } else if ((event.metadata['prevHash'] ?? null) !== (before?.metadata['hash'] ?? null)) {
        findings.add('chain', 'The event does not follow from the one before it: the chain is broken', place);
      }
      before = event;
    }
  }

  private checkView(
    id: string,
    events: readonly RecordedEvent[],
    view: CustomerView | undefined,
    emailIndexes: readonly string[] | undefined,
  ): void {
    const { findings } = this.parts;
    const due = events.filter((event) => isProjected(this.parts, event)).at(-1);
    const at = (revision: number): NamedEvent => {
      const event = events.find((candidate) => candidate.revision === revision);
      return { stream: customerStream(id), revision, ...(event !== undefined && { eventId: event.id }) };
    };
    if (view === undefined) {
      if (due !== undefined) findings.add('view', 'The customer has no view', at(due.revision));
      return;
    }
    this.views += 1;
    if (view.version < (due?.revision ?? -1)) {
      findings.add('view', 'The view lacks what it held before: it was set back', at(due?.revision ?? 0));
    }
    try {
      const replayed = foldCustomer(events.filter(({ revision }) => revision <= view.version)).view;
      const { emailIndex: kept, ...shown } = view;
      const isSame = replayed !== undefined && canonicalJson(replayed) === canonicalJson(shown);
      if (!isSame) findings.add('view', 'The view is not what follows from the log', at(view.version));
      else if (view.email === undefined ? kept !== undefined : emailIndexes?.includes(kept ?? '') === false) {
        findings.add('view', 'The view is found under another e-mail address than its own', at(view.version));
      }
    } catch {
      findings.add('view', 'The history of the customer makes no sense: nothing follows from it', at(view.version));
    }
  }

  /** Views of customers that the log does not know: looked for when there are more views than were compared. */
  async checkStrangers(): Promise<void> {
    let count = 0;
    await this.eachPage((ids) => (count += ids.length));
    if (count > this.views) await this.eachPage((ids) => this.tellStrangers(ids));
  }

  private async eachPage(work: (ids: readonly string[]) => unknown): Promise<void> {
    for (let after: string | undefined; ;) {
      const ids = await this.parts.views.ids(after, IDS);
      await work(ids);
      after = ids.at(-1);
      if (ids.length < IDS) return;
    }
  }

  private async tellStrangers(ids: readonly string[]): Promise<void> {
    const { store, findings } = this.parts;
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const some = ids.slice(at, at + AT_ONCE);
      const read = await Promise.all(some.map((id) => store.read(customerStream(id), { limit: 1 }).catch(ifRemoved)));
      for (const [n, id] of some.entries()) {
        if (read[n]?.length !== 0) continue;
        const place = { stream: customerStream(id), revision: 0 };
        findings.add('removed', 'There is a view of a customer whose stream the log does not have', place);
      }
    }
  }
}

/** Whether the views hold the event, for sure. */
export const isProjected = (
  { store, projected }: Pick<StreamCheckParts, 'projected'> & { readonly store: Pick<EventStore, 'comparePositions'> },
  { position }: RecordedEvent,
): boolean => projected !== undefined && store.comparePositions(position, projected) <= 0;

/** @returns nothing to read for a stream that was deleted for good */
function ifRemoved(error: unknown): readonly RecordedEvent[] {
  if (error instanceof StreamDamaged) return [];
  throw error;
}
