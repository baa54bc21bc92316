import { batches } from '../../event-sourcing/batches.js';
import { MalformedEvent, readMetadata } from '../../event-sourcing/envelope.js';
import type { EventStore, RecordedEvent } from '../../event-sourcing/event-store.js';
import { StreamDamaged } from '../../event-sourcing/stream-damage.js';
import { LIFE_ENDS } from '../customer-events.js';
import { CUSTOMER_PREFIX } from '../streams.js';

/** How requests to be forgotten fared. Counts; nothing of anybody. */
export interface ErasureFigures {
  /** UTC date-time. */
  readonly asOf: string;
  /** Ever made; of those, withdrawn again. */
  readonly requests: number;
  readonly withdrawn: number;
  /** Not erased yet: still in their grace period, overdue, or held. */
  readonly due: number;
  /** The earliest of their due dates. */
  readonly nextDue?: string;
  /** Their grace period is over, and no legal hold is in the way. */
  readonly overdue: number;
  /** Customers under a legal hold, whether or not they asked. */
  readonly held: number;
  /** Customers erased and customers deleted: both end the key. */
  readonly erased: number;
  readonly deleted: number;
  /** Of those who had asked: from the request to the erasure or deletion, in milliseconds. */
  readonly averageMs?: number;
}

const BATCH = 500;
const PAGE = 200;

/**
 * Counted from the whole log, in one walk: of each request its stream is read on until it is known what became of it. Holds
 * one page of one stream at a time. Types are known by name, so that a log without legal holds is counted as well.
 * @param now milliseconds since the epoch
 * @throws StoreUnavailable
 */
export async function erasureFigures(
  store: EventStore,
  now: number,
  onProgress: (fraction: number) => void = () => undefined,
): Promise<ErasureFigures> {
  const counting = new Counting(store, now);
  const head = await store.head();
  if (head === undefined) return counting.figures;
  const done = new AbortController();
  const take = async (events: readonly RecordedEvent[]): Promise<void> => {
    for (const event of events) await counting.take(event).catch(unlessDamaged);
  };
  for await (const batch of batches(store.subscribe({ prefixes: [CUSTOMER_PREFIX], signal: done.signal }), BATCH)) {
    await take(batch.events).catch((error: unknown) => {
      // A subscription that waits for the next event ends by its signal alone.
      done.abort();
      throw error;
    });
    if (batch.position !== undefined) onProgress(store.fraction(batch.position, head));
    if (batch.caughtUp) done.abort();
  }
  return counting.figures;
}

class Counting {
  private readonly counts = { requests: 0, withdrawn: 0, due: 0, overdue: 0, held: 0, erased: 0, deleted: 0 };
  private nextDue: string | undefined;
  private readonly waited = { count: 0, ms: 0 };

  constructor(
    private readonly store: EventStore,
    private readonly now: number,
  ) {}

  get figures(): ErasureFigures {
    const { count, ms } = this.waited;
    return {
      asOf: new Date(this.now).toISOString(),
      ...this.counts,
      ...(this.nextDue !== undefined && { nextDue: this.nextDue }),
      ...(count > 0 && { averageMs: Math.round(ms / count) }),
    };
  }

  async take(event: RecordedEvent): Promise<void> {
    if (event.type === 'CustomerErased') this.counts.erased += 1;
    if (event.type === 'CustomerDeleted') this.counts.deleted += 1;
    if (event.type === 'ForgetRequested') await this.takeRequest(event);
    if (event.type === 'LegalHoldPlaced' && (await this.isInForce(event))) this.counts.held += 1;
  }

  private async takeRequest(request: RecordedEvent): Promise<void> {
    this.counts.requests += 1;
    const end = await this.firstAfter(request, ['ForgetRequestWithdrawn', ...LIFE_ENDS]);
    if (end === undefined) return this.takeOpen(request);
    if (end.type === 'ForgetRequestWithdrawn') {
      this.counts.withdrawn += 1;
      return;
    }
    this.waited.count += 1;
    this.waited.ms += readMetadata(end).at - readMetadata(request).at;
  }

  private async takeOpen(request: RecordedEvent): Promise<void> {
    this.counts.due += 1;
    const { dueAt } = request.data;
    if (typeof dueAt !== 'string') return;
    if (this.nextDue === undefined || dueAt < this.nextDue) this.nextDue = dueAt;
    if (Date.parse(dueAt) <= this.now && !(await this.isHeld(request.stream))) this.counts.overdue += 1;
  }

  /** The first event of these types that follows in the stream. */
  private async firstAfter(event: RecordedEvent, types: readonly string[]): Promise<RecordedEvent | undefined> {
    for await (const next of this.from(event.stream, event.revision + 1)) if (types.includes(next.type)) return next;
    return undefined;
  }

  private async isInForce(placed: RecordedEvent): Promise<boolean> {
    return (await this.firstAfter(placed, ['LegalHoldLifted', 'LegalHoldPlaced', ...LIFE_ENDS])) === undefined;
  }

  private async isHeld(stream: string): Promise<boolean> {
    let held = false;
    for await (const { type } of this.from(stream, 0)) {
      if (type === 'LegalHoldPlaced') held = true;
      if (type === 'LegalHoldLifted' || LIFE_ENDS.has(type)) held = false;
    }
    return held;
  }

  private async *from(stream: string, revision: number): AsyncGenerator<RecordedEvent> {
    for (let from = revision; ;) {
      const page = await this.store.read(stream, { from, limit: PAGE });
      yield* page;
      if (page.length < PAGE) return;
      from += page.length;
    }
  }
}

/** What can't be read of a damaged customer is not counted. */
function unlessDamaged(error: unknown): void {
  if (!(error instanceof StreamDamaged || error instanceof MalformedEvent)) throw error;
}
