import type { StreamEvent } from '../event-sourcing/event-store.js';
import { MalformedEvent } from '../event-sourcing/envelope.js';
import { UnknownEventType } from '../event-sourcing/log-follower.js';
import { isSealed } from '../privacy/sealed.js';
import type { CustomerEvent, CustomerEventType } from './domain/events.js';
import type { SealedPersonal } from './read-model/customer-view.js';

export type SealedCustomerEvent = CustomerEvent<SealedPersonal>;

/** With one of these a life ends, and its key with it. */
export const LIFE_ENDS: ReadonlySet<string> = new Set<SealedCustomerEvent['type']>([
  'CustomerErased',
  'CustomerDeleted',
]);

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string';
const flag: Check = (value) => typeof value === 'boolean';
const count: Check = (value) => Number.isSafeInteger(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const nullable =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

/** The stored shape of each event's data: history and live events alike pass through here. */
const SHAPES: { readonly [T in CustomerEventType]: Readonly<Record<string, Check>> } = {
  CustomerCreated: {
    email: optional(isSealed),
    locale: optional(text),
    type: optional(text),
    enabled: flag,
    shipping: optional(isSealed),
    metadata: optional(isSealed),
  },
  CustomerEmailChanged: { email: nullable(isSealed) },
  CustomerLocaleChanged: { locale: nullable(text) },
  CustomerTypeChanged: { type: text },
  CustomerEnabled: {},
  CustomerDisabled: {},
  CustomerShippingChanged: { shipping: nullable(isSealed) },
  CustomerMetadataChanged: { metadata: nullable(isSealed) },
  TaxCertificateAdded: { taxCertificate: isSealed },
  SourceAttached: { sourceId: text, type: optional(text), state: text, reusable: flag },
  SourceDetached: { sourceId: text },
  DefaultSourceChanged: { sourceId: nullable(text) },
  ForgetRequested: { dueAt: text },
  ForgetRequestWithdrawn: {},
  LegalHoldPlaced: {},
  LegalHoldLifted: {},
  CustomerErased: { keyRevision: count, cause: text, reasonCode: optional(text) },
  CustomerDeleted: { keyRevision: count },
};

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

const isKnown = (type: string): type is CustomerEventType => Object.hasOwn(SHAPES, type);

function hasShape(stored: Stored): stored is SealedCustomerEvent {
  if (!isKnown(stored.type)) return false;
  for (const [field, check] of Object.entries(SHAPES[stored.type])) {
    if (!check(stored.data[field])) return false;
  }
  return true;
}
