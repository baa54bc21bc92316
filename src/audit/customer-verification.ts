import { Injectable } from '@nestjs/common';
import { customerNotFound } from '../customers/domain/errors.js';
import { customerStream } from '../customers/streams.js';
import { hashEvent, MalformedEvent } from '../event-sourcing/envelope.js';
import { EventStore, type RecordedEvent } from '../event-sourcing/event-store.js';
import { problemsOf } from './altered-event.js';
import { AuditTree } from './audit-tree.js';

export interface CustomerFinding {
  readonly revision: number;
  /** Absent where not even that can be read. */
  readonly eventId?: string;
  /** In plain words; never a personal value. */
  readonly message: string;
}

export interface CustomerVerification {
  readonly customerId: string;
  readonly state: 'sound' | 'altered';
  readonly events: number;
  /** Of these, in the tree and under a signed checkpoint; the newest wait for it for about a minute. */
  readonly underCheckpoint: number;
  readonly findings: readonly CustomerFinding[];
}

const LEAVES_AT_ONCE = 32;

/**
 * One customer's history against its chain of hashes and the tree. What was cut off its end is not seen here: the
 * verification of the whole log finds that.
 */
@Injectable()
export class CustomerVerifications {
  constructor(
    private readonly store: EventStore,
    private readonly tree: AuditTree,
  ) {}

  /** @throws CustomerError there never was such a customer @throws StoreUnavailable */
  async verify(customerId: string): Promise<CustomerVerification> {
    const { events, unreadable } = await readTolerantly(this.store, customerStream(customerId));
    if (events.length + unreadable.length === 0) throw customerNotFound(customerId);
    const hashes = events.map(hashEvent);
    const findings: CustomerFinding[] = events.flatMap((event, at) =>
      problemsOf(event, events[at - 1], hashes[at]).map((message) => finding(event, message)),
    );
    for (const revision of unreadable) findings.push({ revision, message: 'The event can not be read any more' });
    const signed = (await this.tree.latestCheckpoint())?.size ?? 0;
    let underCheckpoint = 0;
    for (let at = 0; at < events.length; at += LEAVES_AT_ONCE) {
      const some = events.slice(at, at + LEAVES_AT_ONCE);
      const leaves = await Promise.all(some.map(({ id }) => this.tree.leafOf(id)));
      for (const [n, event] of some.entries()) {
        const leaf = leaves[n];
        if (leaf === undefined) continue;
        if (leaf.index < signed) underCheckpoint += 1;
        const isSame = Buffer.from(leaf.entry).toString('hex') === hashes[at + n];
        if (!isSame) findings.push(finding(event, 'The event is not the one that the tree recorded'));
      }
    }
    findings.sort((a, b) => a.revision - b.revision);
    const state = findings.length === 0 ? 'sound' : 'altered';
    return { customerId, state, events: events.length, underCheckpoint, findings };
  }
}

/** Where a stream can't be read at all, what can is: event by event. @throws StoreUnavailable */
async function readTolerantly(
  store: EventStore,
  stream: string,
): Promise<{ readonly events: readonly RecordedEvent[]; readonly unreadable: readonly number[] }> {
  try {
    return { events: await store.read(stream), unreadable: [] };
  } catch (error) {
    if (!(error instanceof MalformedEvent)) throw error;
  }
  const [events, unreadable]: [RecordedEvent[], number[]] = [[], []];
  for (let from = 0; ; from += 1) {
    try {
      const [event] = await store.read(stream, { from, limit: 1 });
      if (event === undefined) return { events, unreadable };
      events.push(event);
      from = event.revision;
    } catch (error) {
      if (!(error instanceof MalformedEvent)) throw error;
      unreadable.push(from);
    }
  }
}

const finding = ({ revision, id }: RecordedEvent, message: string): CustomerFinding => ({
  revision,
  eventId: id,
  message,
});
