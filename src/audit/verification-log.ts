import { randomUUID } from 'node:crypto';
import { appendOnce } from '../event-sourcing/append-once.js';
import type { Clock } from '../event-sourcing/clock.js';
import type { Actor } from '../event-sourcing/command-context.js';
import { chain, readMetadata } from '../event-sourcing/envelope.js';
import type { EventStore, JsonObject, RecordedEvent } from '../event-sourcing/event-store.js';
import { problemOf, unlessMalformed } from './altered-event.js';
import { auditDraft, auditStream } from './audit-events.js';
import type { Finding, Verdict } from './verify-findings.js';
import type { Verification } from './verify-service.js';

export const AUDIT_VERIFIED = 'AuditVerified';
/** One stream for all: the newest is at its end. */
const STREAM = auditStream('verifications');

export interface PastVerification {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly verdict: Verdict;
  /** Checked. */
  readonly events: number;
  /** How many checkpoints from outside it was held against. */
  readonly heldOutside: number;
  /** The first ones. */
  readonly findings: readonly Finding[];
  /** How many there were. */
  readonly found: number;
}

const BUDGET_MS = 4_000;
const TOLD = 10;

/** What verifications of the whole log came to, in the log itself: under hashes and checkpoints like all else. */
export class VerificationLog {
  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  /** @throws StoreUnavailable, OutcomeUnknown @throws WrongExpectedRevision another came to its end at the same time */
  async record({ verdict, events, findings, untold }: Verification, heldOutside: number, actor: Actor): Promise<void> {
    const last = await this.newest();
    const id = randomUUID();
    const now = Math.max(this.clock.now(), last === undefined ? 0 : timeOf(last));
    const told = findings.slice(0, TOLD).map(toJson);
    const data = { verdict, events, heldOutside, findings: told, found: findings.length + untold };
    const hash = last?.metadata['hash'];
    const before = last && { revision: last.revision, hash: typeof hash === 'string' ? hash : '' };
    const draft = auditDraft(AUDIT_VERIFIED, data, { useId: id, requestId: id, actor, at: now });
    await appendOnce(this.store, this.clock, chain(STREAM, before, [draft]), this.clock.now() + BUDGET_MS);
  }

  /** Undefined while there was none. @throws StoreUnavailable */
  async last(): Promise<PastVerification | undefined> {
    const event = await this.newest();
    if (event === undefined) return undefined;
    const isSound = problemOf(event) === undefined && isOutcome(event.data);
    return isSound ? { at: timeOf(event), ...event.data } : altered(event);
  }

  /** Found in few reads, for the log has no way backwards. */
  private async newest(): Promise<RecordedEvent | undefined> {
    let newest = await this.from(0);
    let step = 1;
    while (newest !== undefined && step > 0) {
      const next: RecordedEvent | undefined = await this.from(newest.revision + step);
      step = next === undefined ? Math.floor(step / 2) : step * 2;
      newest = next ?? newest;
    }
    return newest;
  }

  private async from(revision: number): Promise<RecordedEvent | undefined> {
    return (await this.store.read(STREAM, { from: revision, limit: 1 }))[0];
  }
}

const toJson = ({ kind, message, event }: Finding): JsonObject => ({
  kind,
  message,
  ...(event && { event: { ...event } }),
});

const timeOf = (event: RecordedEvent): number => unlessMalformed(() => readMetadata(event))?.at ?? event.recordedAt;

/** Whoever can write to the log can also write that all is well: not with a hash that fits, unless they mean it. */
const altered = (event: RecordedEvent): PastVerification => {
  const { stream, revision, id: eventId } = event;
  const message = 'The record of this verification is not what was written';
  const finding = { kind: 'changed', message, event: { stream, revision, eventId } } as const;
  return { at: timeOf(event), verdict: 'manipulation', events: 0, heldOutside: 0, findings: [finding], found: 1 };
};

const VERDICTS: readonly unknown[] = ['sound', 'manipulation', 'gaps'] satisfies Verdict[];

const isOutcome = (data: JsonObject): data is JsonObject & Omit<PastVerification, 'at'> =>
  VERDICTS.includes(data['verdict']) &&
  ['events', 'heldOutside', 'found'].every((name) => typeof data[name] === 'number') &&
  Array.isArray(data['findings']);
