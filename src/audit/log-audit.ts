import { Injectable } from '@nestjs/common';
import { PersonalValues } from '../customers/personal-values.js';
import { CUSTOMER_PREFIX, customerIdOf } from '../customers/streams.js';
import { SOURCE_PREFIX, sourceIdOf } from '../customers/sources/source-events.js';
import { within } from '../event-sourcing/deadline.js';
import { MalformedEvent, readMetadata } from '../event-sourcing/envelope.js';
import { EventStore, type JsonObject, type Position, type RecordedEvent } from '../event-sourcing/event-store.js';
import { QUARANTINE_STREAM } from '../event-sourcing/holds.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { KeyMissing, KeyRing } from '../privacy/key-ring.js';
import { SealBroken } from '../privacy/sealing.js';
import type { KeyRef } from '../privacy/subject-keys.js';
import { EndedLives } from '../subscribers/ended-lives.js';
import { cannotBeRead } from '../subscribers/event-feed.js';
import { scanLog } from '../subscribers/log-page.js';
import { type AlteredEvent, alteredEvent, MALFORMED, problemOf, unlessMalformed, UNOPENED } from './altered-event.js';
import { AUDIT_ACCESSED, decodeAudit } from './audit-events.js';
import { ERASED, PERSONAL, type Showing } from './customer-record.js';
import { type EventEnvelope, eventEnvelope } from './event-envelope.js';

/** Which events of the log are wanted; all of them where nothing is named. */
export interface LogFilter {
  /** Milliseconds since the epoch, of when it happened: not before this. */
  readonly from?: number;
  /** Before this. */
  readonly to?: number;
  /** `<type>:<id>` */
  readonly actor?: string;
  /** As in the log. */
  readonly types?: ReadonlySet<string>;
  /** What happened to this customer, to the sources claimed for it, and who looked at it. */
  readonly customerId?: string;
}

interface About {
  readonly customerId?: string;
  readonly sourceId?: string;
  /** Of a use of the audit. */
  readonly access?: { readonly action: string; readonly details?: JsonObject };
}

/** With a `problem` where the log was altered; what can not be told of such an event is absent. */
export type LogEvent = About & ((EventEnvelope & { readonly problem?: string }) | AlteredEvent);

export interface LogEventPage {
  readonly events: readonly LogEvent[];
  readonly position: Position | undefined;
  readonly hasMore: boolean;
}

export interface LogRequest {
  readonly after: Position | undefined;
  readonly limit: number;
  readonly filter: LogFilter;
}

const BUDGET_MS = 3_500;
const MAX_CHARACTERS = 8_000_000;

/** Every event of the service in the order of the log: customers, sources, and the uses of the audit itself. */
@Injectable()
export class LogAudit {
  constructor(
    private readonly store: EventStore,
    private readonly keys: KeyRing,
    private readonly endings: EndedLives,
  ) {}

  /**
   * Looks through a bounded part of the log: a page can be empty and still lead on.
   * @throws ApiError cursor_gone @throws StoreUnavailable, and KeyMissing with `pii` alone
   */
  async page({ after, limit, filter }: LogRequest, pii: boolean): Promise<LogEventPage> {
    const wants = (event: RecordedEvent): boolean => passesFilter(filter, event);
    const reading = async (): Promise<LogEventPage> => {
      const request = { after, limit, characters: MAX_CHARACTERS, wants };
      const { events, position, hasMore } = await scanLog(this.store, request).catch(cannotBeRead);
      const showing = pii ? await this.opening(events) : (): Showing => PERSONAL;
      return { events: events.map((event) => logEvent(event, showing(event))), position, hasMore };
    };
    return within(BUDGET_MS, reading(), () => new StoreUnavailable('event_log'));
  }

  /** The text of a reason is all that is personal here: mostly there is no key to be asked for. */
  private async opening(events: readonly RecordedEvent[]): Promise<(event: RecordedEvent) => Showing> {
    const refs = new Map<string, KeyRef>();
    for (const event of events) {
      const ref = refOfReason(event);
      if (ref !== undefined) refs.set(nameOf(ref), ref);
    }
    if (refs.size === 0) return () => ERASED;
    await this.endings.upToDate();
    const wanted = [...refs.values()];
    const found = await this.keys.findMany(wanted);
    const showings = new Map(
      wanted.map((ref, index) => [nameOf(ref), this.showing(ref, found[index] ?? 'none')] as const),
    );
    return (event) => {
      const ref = refOfReason(event);
      return (ref && showings.get(nameOf(ref))) ?? ERASED;
    };
  }

  private showing(ref: KeyRef, key: Awaited<ReturnType<KeyRing['find']>>): Showing {
    if (key === 'erased' || this.endings.has(ref)) return ERASED;
    if (key === 'none') throw new KeyMissing(ref, 'absent');
    return new PersonalValues(key, ref);
  }
}

function passesFilter({ from, to, actor, types, customerId }: LogFilter, event: RecordedEvent): boolean {
  if (types?.has(event.type) === false) return false;
  if (customerId !== undefined && customerOf(event) !== customerId) return false;
  if (from === undefined && to === undefined && actor === undefined) return true;
  const metadata = unlessMalformed(() => readMetadata(event));
  // Whatever is asked for: an event that says neither when it happened nor who did it must not go unseen.
  if (metadata === undefined) return true;
  if (from !== undefined && metadata.at < from) return false;
  if (to !== undefined && metadata.at >= to) return false;
  return actor === undefined || actor === `${metadata.actor.type}:${metadata.actor.id}`;
}

/** Whom it is about, if anyone: whatever a newer release may have written. */
function customerOf({ stream, data }: RecordedEvent): string | undefined {
  if (stream.startsWith(CUSTOMER_PREFIX)) return customerIdOf(stream);
  const { customerId, stream: about } = data;
  if (stream === QUARANTINE_STREAM && typeof about === 'string' && about.startsWith(CUSTOMER_PREFIX)) {
    return customerIdOf(about);
  }
  return typeof customerId === 'string' ? customerId : undefined;
}

function logEvent(recorded: RecordedEvent, showing: Showing): LogEvent {
  const customerId = customerOf(recorded);
  return {
    ...envelopeOf(recorded, showing),
    ...(customerId !== undefined && { customerId }),
    ...(recorded.stream.startsWith(SOURCE_PREFIX) && { sourceId: sourceIdOf(recorded.stream) }),
    ...(recorded.type === AUDIT_ACCESSED && accessOf(recorded)),
  };
}

function envelopeOf(recorded: RecordedEvent, showing: Showing): EventEnvelope | AlteredEvent {
  const problem = problemOf(recorded);
  if (problem !== undefined) return alteredEvent(recorded, problem, showing);
  try {
    return eventEnvelope(recorded, showing);
  } catch (error) {
    if (error instanceof SealBroken) return alteredEvent(recorded, UNOPENED);
    if (error instanceof MalformedEvent) return alteredEvent(recorded, MALFORMED);
    throw error;
  }
}

function accessOf(recorded: RecordedEvent): Pick<LogEvent, 'access'> {
  const access = unlessMalformed(() => decodeAudit(recorded));
  if (access === undefined) return {};
  const { action, details } = access;
  return { access: { action, ...(details !== undefined && { details }) } };
}

function refOfReason(event: RecordedEvent): KeyRef | undefined {
  const { reason, keyRevision } = unlessMalformed(() => readMetadata(event)) ?? {};
  if (reason?.text === undefined || keyRevision === undefined) return undefined;
  return { subject: customerIdOf(event.stream), revision: keyRevision };
}

const nameOf = ({ subject, revision }: KeyRef): string => `${revision} ${subject}`;
