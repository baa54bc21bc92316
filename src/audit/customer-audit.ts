import { Inject, Injectable, Optional } from '@nestjs/common';
import { CONFIG, type Config } from '../config.js';
import type { SealedCustomerEvent } from '../customers/customer-events.js';
import { CustomerStreams } from '../customers/customer-streams.js';
import { customerNotFound } from '../customers/domain/errors.js';
import type { CustomerView } from '../customers/read-model/customer-view.js';
import { isoTime } from '../customers/read-model/project.js';
import { customerStream } from '../customers/streams.js';
import { within } from '../event-sourcing/deadline.js';
import { EventStore, type JsonObject, type Position, type RecordedEvent } from '../event-sourcing/event-store.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { ApiError } from '../http/errors.js';
import { invalidQuery } from '../http/query-string.js';
import { KeyRing } from '../privacy/key-ring.js';
import { SealBroken } from '../privacy/sealing.js';
import { charactersOf } from '../subscribers/event-size.js';
import { customerRecord, hiddenChanges, PERSONAL, type Showing } from './customer-record.js';
import { showingOf, type Step, type Steps, stepsOf } from './customer-timeline.js';
import { type EventEnvelope, eventEnvelope } from './event-envelope.js';
import { type FieldChange, fieldChanges } from './field-changes.js';
import { type AlteredEvent, alteredEvent, problemOf, UNOPENED } from './altered-event.js';

/** A moment in a customer's history: after an event, or at a time (milliseconds since the epoch); the newest without. */
export type Moment = { readonly revision: number } | { readonly time: number } | 'newest';

export interface HistoryEvent extends EventEnvelope {
  /** The number of the life, from 1: an id can be created anew after a deletion. */
  readonly life: number;
  /** What else the event says. */
  readonly details?: { readonly dueAt?: string; readonly cause?: string; readonly reasonCode?: string };
  readonly changes: readonly FieldChange[];
  /** What is wrong with it: the log was altered. */
  readonly problem?: string;
}

export interface HistoryPage {
  /** An altered one where what it made of the customer can not be told any more. */
  readonly events: readonly (HistoryEvent | AlteredEvent)[];
  readonly position: Position | undefined;
  readonly hasMore: boolean;
}

/** Which state of a customer it is, and how long it stood. */
export interface Standing {
  readonly revision: number;
  readonly life: number;
  readonly status: CustomerView['status'];
  readonly stoodFrom: string;
  /** When the next event happened; absent while it stands. */
  readonly stoodTo?: string;
}

/** `customer` is absent where it was deleted. */
export interface CustomerAsOf extends Standing {
  readonly customerId: string;
  readonly customer?: JsonObject;
}

export interface CustomerDiff {
  readonly customerId: string;
  /** Absent: there was no such customer yet. */
  readonly from?: Standing;
  readonly to?: Standing;
  readonly changes: readonly FieldChange[];
}

export interface HistoryRequest {
  readonly after: Position | undefined;
  readonly limit: number;
}

interface Timeline extends Steps {
  readonly showing: (life: number) => Showing;
}

const BUDGET_MS = 3_500;
/** Of sealed text in a page, one event at least. */
const MAX_CHARACTERS = 4_000_000;

/** A customer through time, from its stream alone: whatever the views say, this is what follows from the log. */
@Injectable()
export class CustomerAudit {
  private readonly liveMode: boolean;

  constructor(
    private readonly store: EventStore,
    private readonly keys: KeyRing,
    @Inject(CONFIG) { liveMode }: Pick<Config, 'liveMode'>,
    @Optional() private readonly streams?: CustomerStreams,
  ) {
    this.liveMode = liveMode;
  }

  /** @throws CustomerError not_found @throws StoreUnavailable, KeyMissing */
  async history(id: string, { after, limit }: HistoryRequest, pii: boolean): Promise<HistoryPage> {
    const timeline = await this.timeline(id, pii);
    const all = [...timeline.steps.map(({ recorded }) => recorded), ...timeline.rest];
    const isNew = ({ position }: RecordedEvent): boolean =>
      after === undefined || this.store.comparePositions(position, after) > 0;
    const start = after === undefined ? 0 : all.findIndex(isNew);
    const events: (HistoryEvent | AlteredEvent)[] = [];
    let characters = 0;
    for (const [index, recorded] of start === -1 ? [] : all.slice(start, start + limit).entries()) {
      characters += charactersOf(recorded);
      if (index > 0 && characters > MAX_CHARACTERS) break;
      events.push(this.event(timeline, start + index, recorded, all[start + index - 1]));
    }
    const end = start === -1 ? all.length : start + events.length;
    return { events, position: all[end - 1]?.position, hasMore: end < all.length };
  }

  /**
   * @throws CustomerError not_found: there is, or was then, no such customer
   * @throws ApiError invalid_parameter for a revision that it has not had; log_altered where it can't be told any more
   */
  async asOf(id: string, moment: Moment, pii: boolean): Promise<CustomerAsOf> {
    const timeline = await this.timeline(id, pii);
    const at = placeOf(timeline, moment, 'revision');
    const standing = standingAt(timeline, at);
    if (standing === undefined) throw customerNotFound(id);
    const customer = this.record(timeline.steps[at], timeline);
    return { customerId: id, ...standing, ...(customer && { customer }) };
  }

  /** In either order. @throws as {@link asOf}, but for a time before the first event: there was nothing yet */
  async diff(id: string, from: Moment, to: Moment, pii: boolean): Promise<CustomerDiff> {
    const timeline = await this.timeline(id, pii);
    const { steps } = timeline;
    const [before, after] = [placeOf(timeline, from, 'from'), placeOf(timeline, to, 'to')];
    const [stoodBefore, stoodAfter] = [standingAt(timeline, before), standingAt(timeline, after)];
    const changes = this.changes(steps[before], steps[after], timeline);
    return {
      customerId: id,
      ...(stoodBefore && { from: stoodBefore }),
      ...(stoodAfter && { to: stoodAfter }),
      changes,
    };
  }

  private async timeline(id: string, pii: boolean): Promise<Timeline> {
    const reading = async (): Promise<Timeline> => {
      const steps = stepsOf(await this.store.read(customerStream(id)));
      if (steps.steps.length + steps.rest.length === 0) {
        await this.streams?.refuseRemoved(id);
        throw customerNotFound(id);
      }
      return { ...steps, showing: await showingOf(steps, this.keys, { pii }) };
    };
    return within(BUDGET_MS, reading(), () => new StoreUnavailable('event_log'));
  }

  private record(step: Step | undefined, { showing }: Pick<Timeline, 'showing'>): JsonObject | undefined {
    return step && customerRecord(step.view, showing(step.view.life), this.liveMode);
  }

  private event(
    timeline: Timeline,
    at: number,
    recorded: RecordedEvent,
    previous: RecordedEvent | undefined,
  ): HistoryEvent | AlteredEvent {
    const { steps, problem: broken } = timeline;
    const step = steps[at];
    const found = problemOf(recorded, previous);
    if (step === undefined) {
      const problem = at === steps.length ? broken : found;
      return alteredEvent(recorded, problem ?? 'What it changed can not be told: the history is broken before it');
    }
    const told = this.told(step, steps[at - 1], timeline.showing);
    const problem = found ?? told.problem;
    return { ...told.event, ...(problem !== undefined && { problem }) };
  }

  /** A value that does not open is told as one that is not shown. */
  private told(
    step: Step,
    before: Step | undefined,
    showing: Timeline['showing'],
  ): { readonly event: HistoryEvent; readonly problem?: string } {
    try {
      return { event: this.historyEvent(step, before, showing) };
    } catch (error) {
      if (!(error instanceof SealBroken)) throw error;
      return { event: this.historyEvent(step, before, () => PERSONAL), problem: UNOPENED };
    }
  }

  private historyEvent(step: Step, before: Step | undefined, showing: Timeline['showing']): HistoryEvent {
    const { recorded, event, view } = step;
    const details = detailsOf(event);
    return {
      ...eventEnvelope(recorded, showing(view.life)),
      life: view.life,
      ...(details && { details }),
      changes: this.changes(before, step, { showing }),
    };
  }

  private changes(
    before: Step | undefined,
    after: Step | undefined,
    timeline: Pick<Timeline, 'showing'>,
  ): readonly FieldChange[] {
    const shown = fieldChanges(this.record(before, timeline), this.record(after, timeline));
    return [...shown, ...hiddenChanges(before?.view, after?.view, timeline.showing)];
  }
}

function detailsOf(event: SealedCustomerEvent): HistoryEvent['details'] {
  if (event.type === 'ForgetRequested') return { dueAt: event.data.dueAt };
  if (event.type !== 'CustomerErased') return undefined;
  const { cause, reasonCode } = event.data;
  return { cause, ...(reasonCode !== undefined && { reasonCode }) };
}

/** -1 before the first event. @throws ApiError invalid_parameter, log_altered */
function placeOf({ steps, rest }: Steps, moment: Moment, parameter: string): number {
  const count = steps.length + rest.length;
  const place =
    moment === 'newest'
      ? count - 1
      : 'time' in moment
        ? placeAt({ steps, rest }, moment.time)
        : moment.revision < count
          ? moment.revision
          : undefined;
  if (place === undefined) throw invalidQuery(parameter, `${parameter} must be a revision that the customer has had`);
  if (place >= steps.length) throw altered(steps.length);
  return place;
}

/** Of events that say no time it is not known when they happened: they count. */
function placeAt({ steps, rest }: Steps, time: number): number {
  const later = rest.findLastIndex((event) => (timeIn(event) ?? -Infinity) <= time);
  return later >= 0 ? steps.length + later : steps.findLastIndex(({ metadata }) => metadata.at <= time);
}

function timeIn(event: RecordedEvent): number | undefined {
  const at = event.metadata['at'];
  return typeof at === 'number' ? at : undefined;
}

const altered = (revision: number): ApiError =>
  ApiError.of(
    'log_altered',
    `The log was altered: what it says of the customer makes no sense from revision ${revision} on`,
  );

function standingAt({ steps, rest }: Steps, place: number): Standing | undefined {
  const step = steps[place];
  if (step === undefined) return undefined;
  const next = steps[place + 1]?.metadata.at ?? (place + 1 === steps.length && rest[0] ? timeIn(rest[0]) : undefined);
  const { version: revision, life, status } = step.view;
  const stoodFrom = isoTime(step.metadata.at);
  return { revision, life, status, stoodFrom, ...(next !== undefined && { stoodTo: isoTime(next) }) };
}
