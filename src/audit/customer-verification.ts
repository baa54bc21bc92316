import { Injectable } from '@nestjs/common';
import { foldCustomer } from '../customers/customer-history.js';
import { CustomerStreams } from '../customers/customer-streams.js';
import { customerNotFound } from '../customers/domain/errors.js';
import { customerStream } from '../customers/streams.js';
import { hashEvent } from '../event-sourcing/envelope.js';
import { EventStore, type RecordedEvent } from '../event-sourcing/event-store.js';
import { UnknownEventType } from '../event-sourcing/log-follower.js';
import { Quarantine } from '../event-sourcing/quarantine.js';
import { type DamageKind, StreamDamaged } from '../event-sourcing/stream-damage.js';
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
  /** `removed`: the stream was deleted; `cut`: events are missing from it. */
  readonly state: 'sound' | DamageKind;
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
    private readonly streams: CustomerStreams,
    private readonly quarantine: Quarantine,
  ) {}

  /** @throws CustomerError there never was such a customer @throws StoreUnavailable */
  async verify(customerId: string): Promise<CustomerVerification> {
    const stream = customerStream(customerId);
    const events = await this.store.read(stream).catch(ifRemoved);
    if (events.length === 0) return this.removed(customerId);
    const hashes = events.map((event) => hashEvent(event));
    const findings: CustomerFinding[] = events.flatMap((event, at) => {
      if (event.unreadable === true) return [finding(event, UNREADABLE)];
      return problemsOf(event, events[at - 1], hashes[at]).map((message) => finding(event, message));
    });
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
        if (!isSame && event.unreadable !== true) {
          findings.push(finding(event, 'The event is not the one that the tree recorded'));
        }
      }
    }
    // What nobody met until now is set aside; a value that was changed so that it still makes sense is told, and no more.
    const damaged = damageIn(events);
    if (damaged !== undefined) await this.quarantine.report(damaged);
    if (damaged !== undefined && findings.length === 0) findings.push(brokenAt(events, damaged));
    findings.sort((a, b) => a.revision - b.revision);
    const state = findings.length === 0 ? 'sound' : damaged?.damage === 'cut' ? 'cut' : 'altered';
    return { customerId, state, events: events.length, underCheckpoint, findings };
  }

  /** A stream that was deleted is one that is known elsewhere, or that the log itself says was deleted. */
  private async removed(customerId: string): Promise<CustomerVerification> {
    const stream = customerStream(customerId);
    const isKnown = this.streams.isSetAside(customerId) || (await this.store.damageOf(stream)) !== undefined;
    if (!isKnown) {
      const found = await this.streams.refuseRemoved(customerId).catch(ifRemoved);
      if (found === undefined) throw customerNotFound(customerId);
    }
    const findings = [{ revision: 0, message: 'The stream of the customer was deleted from the log' }];
    await this.quarantine.report(new StreamDamaged(stream, 'removed'));
    return { customerId, state: 'removed', events: 0, underCheckpoint: 0, findings };
  }
}

const UNREADABLE = 'The event can not be read any more';

/** @returns undefined too for what a newer release wrote */
function damageIn(events: readonly RecordedEvent[]): StreamDamaged | undefined {
  try {
    foldCustomer(events);
    return undefined;
  } catch (error) {
    if (error instanceof UnknownEventType) return undefined;
    if (error instanceof StreamDamaged) return error;
    throw error;
  }
}

/** Each event is as hashed, and yet no decision can have made them. */
function brokenAt(events: readonly RecordedEvent[], damaged: StreamDamaged): CustomerFinding {
  const event = events.find(({ revision }) => revision === damaged.revision);
  const message = 'The event can not follow what was before it';
  return event === undefined ? { revision: damaged.revision ?? 0, message } : finding(event, message);
}

/** @returns nothing to read for a stream that was deleted for good */
function ifRemoved(error: unknown): readonly RecordedEvent[] {
  if (error instanceof StreamDamaged) return [];
  throw error;
}

const finding = ({ revision, id }: RecordedEvent, message: string): CustomerFinding => ({
  revision,
  eventId: id,
  message,
});
