/** A body together with the faults a validator must find in it, each as `code parameter`. */
export interface Body {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly faults: readonly string[];
}

/** `stale` and `foreign` never name the version the customer stands at, `current` does if there is a customer. */
export type IfMatch = 'current' | 'stale' | 'foreign' | 'any';

interface Conditional {
  readonly ifMatch?: IfMatch | undefined;
}

interface Repeatable {
  readonly key?: string | undefined;
}

/**
 * One request. An `id` like `#2` stands for the customer the service made an id for, two before the latest, a `sourceId` like `attached 1`
 * for the second source of the customer.
 */
export type Request =
  | ({ readonly kind: 'create'; readonly id?: string | undefined; readonly body: Body } & Repeatable)
  | ({ readonly kind: 'update'; readonly id: string; readonly body: Body } & Repeatable & Conditional)
  | ({ readonly kind: 'delete'; readonly id: string } & Conditional)
  | ({ readonly kind: 'attach'; readonly id: string; readonly sourceId: string } & Repeatable & Conditional)
  | ({ readonly kind: 'detach'; readonly id: string; readonly sourceId: string } & Conditional)
  | { readonly kind: 'get'; readonly id: string }
  | { readonly kind: 'list'; readonly query: ListQuery }
  /** One of the latest requests with a key once more, with this body instead of its own. */
  | { readonly kind: 'again'; readonly back: number; readonly body?: Body | undefined };

export interface ListQuery {
  readonly limit?: number;
  readonly startingAfter?: string;
  readonly endingBefore?: string;
  readonly email?: string;
  readonly ids?: readonly string[];
  readonly requestToBeForgotten?: boolean;
  /** Milliseconds since the start of the sequence. */
  readonly createdTime?: TimeBound;
  readonly updatedTime?: TimeBound;
}

export interface TimeBound {
  readonly operator: 'eq' | 'gt' | 'gte' | 'lt' | 'lte';
  readonly at: number;
}

export type Step =
  | { readonly kind: 'one'; readonly request: Request }
  | { readonly kind: 'at_once'; readonly requests: readonly Request[] }
  | { readonly kind: 'time_passes'; readonly ms: number }
  | { readonly kind: 'due_erasures' };

/** What the directory of sources says of those that appear in the test; every other one it does not know. */
export const SOURCES: ReadonlyMap<
  string,
  { readonly type?: string; readonly state: string; readonly reusable: boolean }
> = new Map([
  ['00000000-0000-4000-8000-000000000001', { state: 'chargeable', reusable: true }],
  ['00000000-0000-4000-8000-000000000002', { state: 'chargeable', reusable: true }],
  ['00000000-0000-4000-8000-000000000003', { state: 'chargeable', reusable: true }],
  ['00000000-0000-4000-8000-000000000004', { type: 'card', state: 'chargeable', reusable: true }],
  ['00000000-0000-4000-8000-000000000005', { type: 'card', state: 'chargeable', reusable: true }],
  ['00000000-0000-4000-8000-000000000006', { state: 'pending', reusable: true }],
  ['00000000-0000-4000-8000-000000000007', { state: 'chargeable', reusable: false }],
]);

export const UNKNOWN_SOURCE = '00000000-0000-4000-8000-00000000000f';

/** Stands in a body for the id of the path. */
export const ITS_OWN = 'its own id';
