import type { CustomerEventType, EventData } from './events.js';
import type { Carried, Field, PersonalField } from './fields.js';
import type { NewValues } from './state.js';

/** A new value as other services get it. Most are fields of the customer. */
export type ToldValue = Field | 'source' | 'sourceId' | 'defaultSourceId' | 'requestToBeForgotten' | 'dueAt' | 'cause';

/** What a stored value must be; `personal` is a sealed one. `?`: it can be absent. */
type KindOf<V> = undefined extends V
  ? `${Base<NonNullable<V>>}?`
  : null extends V
    ? `${Base<NonNullable<V>>} | null`
    : Base<V>;
type Base<V> = V extends string ? 'text' : V extends boolean ? 'flag' : V extends number ? 'count' : 'personal';
export type BaseKind = Base<string | boolean | number | object>;
export type Kind = BaseKind | `${BaseKind}?` | `${BaseKind} | null`;

interface EventEntry<T extends CustomerEventType> {
  /** Its type for other services. For good: consumers choose by it. */
  readonly name: `customer.${string}`;
  /** Of its stored data: what does not have this shape is not taken for this event. */
  readonly shape: { readonly [K in keyof StoredData[T]]-?: KindOf<StoredData[T][K]> };
  /** The new values that it gives the customer. What it does besides is in `evolve.ts`. */
  readonly changes: <P extends Carried>(data: EventData<P>[T]) => NewValues<P>;
  /** What other services get of it: of its data and of the new values. */
  readonly tells: readonly ToldValue[];
}

type StoredData = EventData<{ readonly [F in PersonalField]: object }>;

export type EventCatalogue = { readonly [T in CustomerEventType]: EventEntry<T> };
