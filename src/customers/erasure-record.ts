import { readMetadata } from '../event-sourcing/envelope.js';
import type { RecordedEvent } from '../event-sourcing/event-store.js';
import { cutAt } from '../event-sourcing/stream-damage.js';
import { decode, type SealedCustomerEvent } from './customer-events.js';
import type { ErasureCause } from './domain/events.js';
import { reading } from './damaged-events.js';

/** What the log says of the forgetting of one life of a customer. Needs no key. */
export interface ErasureRecord {
  readonly life: number;
  readonly legalHold: boolean;
  /** Milliseconds since the epoch; while a request to be forgotten is open, and after it was carried out. */
  readonly requestedAt?: number;
  /** UTC date-time. */
  readonly dueAt?: string;
  readonly ended?: LifeEnd;
}

export interface LifeEnd {
  readonly event: RecordedEvent;
  readonly cause: ErasureCause | 'deleted';
  readonly reasonCode?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Of each life in a customer's stream, in their order. @throws UnknownEventType, StreamDamaged */
export function erasureRecords(stream: readonly RecordedEvent[]): readonly ErasureRecord[] {
  const lives: ErasureRecord[] = [];
  for (const [at, recorded] of stream.entries()) {
    if (recorded.revision !== at) throw cutAt(recorded.stream, at);
    const event = reading(recorded, () => decode(recorded));
    const life = lives.at(-1);
    if (event.type === 'CustomerCreated') lives.push({ life: lives.length + 1, legalHold: false });
    else if (life !== undefined) lives[lives.length - 1] = reading(recorded, () => after(life, event, recorded));
  }
  return lives;
}

/** Requests, holds and ends, case by case; no other event says anything of them. */
function after(life: ErasureRecord, event: SealedCustomerEvent, recorded: RecordedEvent): ErasureRecord {
  const { at } = readMetadata(recorded);
  if (event.type === 'ForgetRequested') return { ...life, requestedAt: at, dueAt: event.data.dueAt };
  if (event.type === 'ForgetRequestWithdrawn') {
    const { requestedAt: _, dueAt: __, ...rest } = life;
    return rest;
  }
  if (event.type === 'LegalHoldPlaced') return { ...life, legalHold: true };
  if (event.type === 'LegalHoldLifted') return { ...life, legalHold: false };
  if (event.type === 'CustomerErased') {
    const { cause, reasonCode = givenReason(recorded) } = event.data;
    return ended(life, { event: recorded, cause, at, ...(reasonCode !== undefined && { reasonCode }) });
  }
  if (event.type === 'CustomerDeleted') {
    const reasonCode = givenReason(recorded);
    return ended(life, { event: recorded, cause: 'deleted', at, ...(reasonCode !== undefined && { reasonCode }) });
  }
  return life;
}

/** Asked for now: asked for and done at the same moment, unless a request was open before. */
const ended = (life: ErasureRecord, end: LifeEnd): ErasureRecord => ({ requestedAt: end.at, ...life, ended: end });

/** The code of the request's `X-Reason`. */
function givenReason({ metadata }: RecordedEvent): string | undefined {
  const reason = metadata['reason'];
  const isReason = typeof reason === 'object' && reason !== null && 'code' in reason;
  return isReason && typeof reason.code === 'string' ? reason.code : undefined;
}
