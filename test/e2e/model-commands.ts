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

/** `X-Reason`: changes nothing of the answer. */
interface Explained {
  readonly reason?: string | undefined;
}

/**
 * One request. An `id` like `#2` stands for the customer the service made an id for, two before the latest, a `sourceId` like `attached 1`
 * for the second source of the customer.
 */
export type Request =
  | ({ readonly kind: 'create'; readonly id?: string | undefined; readonly body: Body } & Explained & Repeatable)
  | ({ readonly kind: 'update'; readonly id: string; readonly body: Body } & Explained & Repeatable & Conditional)
  | ({ readonly kind: 'delete'; readonly id: string } & Explained & Conditional)
  | ({ readonly kind: 'attach'; readonly id: string; readonly sourceId: string } & Explained & Repeatable & Conditional)
  | ({ readonly kind: 'detach'; readonly id: string; readonly sourceId: string } & Explained & Conditional)
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

interface DirectorySource {
  readonly type?: string;
  readonly state: string;
  readonly reusable: boolean;
}

const sourceId = (n: number): string => `00000000-0000-4000-8000-00000000000${n.toString(16)}`;

/** What the directory of sources says of those that appear in the test; every other one it does not know. */
export const SOURCES: ReadonlyMap<string, DirectorySource> = new Map<string, DirectorySource>([
  ...[1, 2, 3, 4, 5, 6].map((n) => [sourceId(n), { state: 'chargeable', reusable: true }] as const),
  ...[7, 8, 9].map((n) => [sourceId(n), { type: 'card', state: 'chargeable', reusable: true }] as const),
  [sourceId(10), { state: 'pending', reusable: true }],
  [sourceId(11), { state: 'chargeable', reusable: false }],
]);

export const UNKNOWN_SOURCE = sourceId(15);

/** Stands in a body for the id of the path. */
export const ITS_OWN = 'its own id';
