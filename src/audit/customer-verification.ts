import { Injectable } from '@nestjs/common';
import { customerNotFound } from '../customers/domain/errors.js';
import { customerStream } from '../customers/streams.js';
import { hashEvent } from '../event-sourcing/envelope.js';
import { EventStore, type RecordedEvent } from '../event-sourcing/event-store.js';
import { AuditTree } from './audit-tree.js';

export interface CustomerFinding {
  readonly revision: number;
  readonly eventId: string;
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
    const events = await this.store.read(customerStream(customerId));
    if (events.length === 0) throw customerNotFound(customerId);
    const hashes = events.map(hashEvent);
    const findings = events.flatMap((event, at) => chainFindings(event, at, hashes[at], events[at - 1]));
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

function chainFindings(
  event: RecordedEvent,
  at: number,
  hash: string | undefined,
  before: RecordedEvent | undefined,
): CustomerFinding[] {
  const found: CustomerFinding[] = [];
  if (event.revision !== at) found.push(finding(event, 'An event before this one is missing'));
  if (hash !== event.metadata['hash']) found.push(finding(event, 'The event is not what was hashed'));
  if ((event.metadata['prevHash'] ?? null) !== (before?.metadata['hash'] ?? null)) {
    found.push(finding(event, 'The event does not follow from the one before it'));
  }
  return found;
}

const finding = ({ revision, id }: RecordedEvent, message: string): CustomerFinding => ({
  revision,
  eventId: id,
  message,
});
