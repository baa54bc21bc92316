import type { StreamEvent } from '../event-sourcing/event-store.js';
import { MalformedEvent } from '../event-sourcing/envelope.js';
import { UnknownEventType } from '../event-sourcing/log-follower.js';
import { isSealed } from '../privacy/sealed.js';
import type { BaseKind, Kind } from './domain/event-entry.js';
import { type CustomerEvent, type CustomerEventType, EVENTS } from './domain/events.js';
import type { SealedPersonal } from './read-model/customer-view.js';

export type SealedCustomerEvent = CustomerEvent<SealedPersonal>;

/** With one of these a life ends, and its key with it. */
export const LIFE_ENDS: ReadonlySet<string> = new Set<SealedCustomerEvent['type']>([
  'CustomerErased',
  'CustomerDeleted',
]);

type Check = (value: unknown) => boolean;

const CHECKS = {
  text: (value) => typeof value === 'string',
  flag: (value) => typeof value === 'boolean',
  count: (value) => Number.isSafeInteger(value),
  personal: isSealed,
} satisfies Record<BaseKind, Check>;

function checkOf(kind: Kind): Check {
  const check = new Map<string, Check>(Object.entries(CHECKS)).get(kind.replace(/\?$| \| null$/, ''));
  if (check === undefined) throw new TypeError(`No value is of the kind ${kind}`);
  if (kind.endsWith('?')) return (value) => value === undefined || check(value);
  return kind.endsWith(' | null') ? (value) => value === null || check(value) : check;
}

/** The fields of an event's data by its type: history and live events alike pass through here. */
const SHAPES: ReadonlyMap<string, readonly (readonly [field: string, check: Check])[]> = new Map(
  Object.entries(EVENTS).map(([type, { shape }]) => [
    type,
    Object.entries<Kind>(shape).map(([field, kind]) => [field, checkOf(kind)]),
  ]),
);

/** Turns what an older release wrote into what the catalogue holds now, by the old event's type (see CONTRIBUTING.md). */
export type Upcasters = Readonly<Record<string, (old: Stored) => Stored>>;
type Stored = Pick<StreamEvent, 'type' | 'data'>;

/** No event has changed its shape yet. */
const UPCASTERS: Upcasters = {};

/**
 * The one way in for a stored customer event.
 * @throws UnknownEventType a newer release wrote it
 * @throws MalformedEvent its data is not of its type's shape
 */
export function decode(stored: Stored, upcasters: Upcasters = UPCASTERS): SealedCustomerEvent {
  const upcast = Object.hasOwn(upcasters, stored.type) ? upcasters[stored.type] : undefined;
  if (upcast !== undefined) return decode(upcast(stored), upcasters);
  if (!isKnown(stored.type)) throw new UnknownEventType();
  if (!hasShape(stored)) throw new MalformedEvent(`A stored ${stored.type} is not of the shape this release knows`);
  return stored;
}

const isKnown = (type: string): type is CustomerEventType => SHAPES.has(type);

const hasShape = (stored: Stored): stored is SealedCustomerEvent =>
  SHAPES.get(stored.type)?.every(([field, check]) => check(stored.data[field])) === true;
