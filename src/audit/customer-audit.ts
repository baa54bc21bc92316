import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config.js';
import { customerNotFound } from '../customers/domain/errors.js';
import type { CustomerView } from '../customers/read-model/customer-view.js';
import { isoTime } from '../customers/read-model/project.js';
import { customerStream } from '../customers/streams.js';
import { within } from '../event-sourcing/deadline.js';
import { EventStore, type JsonObject, type Position } from '../event-sourcing/event-store.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { invalidQuery } from '../http/query-string.js';
import { KeyRing } from '../privacy/key-ring.js';
import { charactersOf } from '../subscribers/event-size.js';
import { customerRecord, type Showing } from './customer-record.js';
import { showingOf, type Step, stepsOf } from './customer-timeline.js';
import { type EventEnvelope, eventEnvelope } from './event-envelope.js';
import { type FieldChange, fieldChanges } from './field-changes.js';

/** A moment in a customer's history: after an event, or at a time (milliseconds since the epoch); the newest without. */
export type Moment = { readonly revision: number } | { readonly time: number } | 'newest';

export interface HistoryEvent extends EventEnvelope {
  /** The number of the life, from 1: an id can be created anew after a deletion. */
  readonly life: number;
  /** What else the event says. */
  readonly details?: { readonly dueAt?: string; readonly cause?: string };
  readonly changes: readonly FieldChange[];
}

export interface HistoryPage {
  readonly events: readonly HistoryEvent[];
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

interface Timeline {
  readonly steps: readonly Step[];
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
  ) {
    this.liveMode = liveMode;
  }

  /** @throws CustomerError not_found @throws StoreUnavailable, KeyMissing */
  async history(id: string, { after, limit }: HistoryRequest, pii: boolean): Promise<HistoryPage> {
    const timeline = await this.timeline(id, pii);
    const { steps } = timeline;
    const isNew = ({ recorded }: Step): boolean =>
      after === undefined || this.store.comparePositions(recorded.position, after) > 0;
    const start = after === undefined ? 0 : steps.findIndex(isNew);
    const events: HistoryEvent[] = [];
    let characters = 0;
    for (const [index, step] of start === -1 ? [] : steps.slice(start, start + limit).entries()) {
      characters += charactersOf(step.recorded);
      if (index > 0 && characters > MAX_CHARACTERS) break;
      events.push(this.event(step, steps[start + index - 1], timeline));
    }
    const end = start === -1 ? steps.length : start + events.length;
    return { events, position: steps[end - 1]?.recorded.position, hasMore: end < steps.length };
  }

  /**
   * @throws CustomerError not_found: there is, or was then, no such customer
   * @throws ApiError invalid_parameter for a revision that it has not had
   */
  async asOf(id: string, moment: Moment, pii: boolean): Promise<CustomerAsOf> {
    const timeline = await this.timeline(id, pii);
    const at = placeOf(timeline.steps, moment, 'revision');
    const standing = standingAt(timeline.steps, at);
    if (standing === undefined) throw customerNotFound(id);
    const customer = this.record(timeline.steps[at], timeline);
    return { customerId: id, ...standing, ...(customer && { customer }) };
  }

  /** In either order. @throws as {@link asOf}, but for a time before the first event: there was nothing yet */
  async diff(id: string, from: Moment, to: Moment, pii: boolean): Promise<CustomerDiff> {
    const timeline = await this.timeline(id, pii);
    const { steps } = timeline;
    const [before, after] = [placeOf(steps, from, 'from'), placeOf(steps, to, 'to')];
    const [stoodBefore, stoodAfter] = [standingAt(steps, before), standingAt(steps, after)];
    const changes = fieldChanges(this.record(steps[before], timeline), this.record(steps[after], timeline));
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
      if (steps.length === 0) throw customerNotFound(id);
      return { steps, showing: await showingOf(steps, this.keys, { pii }) };
    };
    return within(BUDGET_MS, reading(), () => new StoreUnavailable('event_log'));
  }

  private record(step: Step | undefined, { showing }: Timeline): JsonObject | undefined {
    return step && customerRecord(step.view, showing(step.view.life), this.liveMode);
  }

  private event(step: Step, before: Step | undefined, timeline: Timeline): HistoryEvent {
    const { recorded, event, view } = step;
    const details =
      event.type === 'ForgetRequested'
        ? { dueAt: event.data.dueAt }
        : event.type === 'CustomerErased'
          ? { cause: event.data.cause }
          : undefined;
    return {
      ...eventEnvelope(recorded, timeline.showing(view.life)),
      life: view.life,
      ...(details && { details }),
      changes: fieldChanges(this.record(before, timeline), this.record(step, timeline)),
    };
  }
}

/** -1 before the first event. @throws ApiError invalid_parameter */
function placeOf(steps: readonly Step[], moment: Moment, parameter: string): number {
  if (moment === 'newest') return steps.length - 1;
  if ('time' in moment) return steps.findLastIndex(({ metadata }) => metadata.at <= moment.time);
  if (moment.revision < steps.length) return moment.revision;
  throw invalidQuery(parameter, `${parameter} must be a revision that the customer has had`);
}

function standingAt(steps: readonly Step[], place: number): Standing | undefined {
  const step = steps[place];
  if (step === undefined) return undefined;
  const next = steps[place + 1];
  const { version: revision, life, status } = step.view;
  const stoodFrom = isoTime(step.metadata.at);
  return { revision, life, status, stoodFrom, ...(next && { stoodTo: isoTime(next.metadata.at) }) };
}
