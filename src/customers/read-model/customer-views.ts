import type { CustomerView } from './customer-view.js';

/** Bounds on a time in milliseconds since the epoch; all that are given must hold. */
export interface TimeRange {
  readonly eq?: number;
  readonly gt?: number;
  readonly gte?: number;
  readonly lt?: number;
  readonly lte?: number;
}

export interface ListFilter {
  /** Keyed hash of the wanted address; several where a view may hold one of these. */
  readonly emailIndex?: string | readonly [string, ...string[]];
  readonly ids?: readonly string[];
  readonly requestToBeForgotten?: boolean;
  readonly createdTime?: TimeRange;
  readonly updatedTime?: TimeRange;
}

/** Where in the order (`createdTime`, `id`; newest first) a page starts: just after, or just before, this customer. */
export interface Cursor {
  readonly direction: 'after' | 'before';
  readonly createdTime: string;
  readonly id: string;
}

export interface CustomerPage {
  /** Newest first, whichever way the cursor goes. */
  readonly views: readonly CustomerView[];
  /** Whether more follow in the direction of travel. */
  readonly hasMore: boolean;
}

/** Collections of views: one is served, another may be under construction beside it. */
export interface Generations {
  readonly live: number;
  readonly building?: number;
}

/**
 * The read model. Every adapter passes `test/contracts/customer-views.contract.ts`.
 * All methods throw StoreUnavailable('read_model') when it is out of reach.
 */
export abstract class CustomerViews {
  /**
   * How often the way to the views was broken so far. What others wrote while it was may be missing from them: whoever
   * sees another number than before must not serve until the projector has passed the head of the log seen since.
   */
  get interruptions(): number {
    return 0;
  }

  /** Also finds the stubs of deleted and erased customers. */
  abstract get(id: string): Promise<CustomerView | undefined>;
  abstract list(filter: ListFilter, limit: number, cursor?: Cursor): Promise<CustomerPage>;
  /** Ids whose grace period ended at or before `now` (ms) and that are neither erased yet nor held, the longest due first. */
  abstract dueForErasure(now: number, limit: number): Promise<readonly string[]>;

  /** The full views, for projecting further; ids without a view are left out. */
  abstract getMany(ids: readonly string[], generation?: number): Promise<ReadonlyMap<string, CustomerView>>;
  /** Of all views, stubs too, in the order of the ids; those behind `after`. */
  abstract ids(after: string | undefined, limit: number): Promise<readonly string[]>;
  /** Only the versions: what the projector asks first, since write-through has mostly been there before it. */
  abstract versions(ids: readonly string[], generation?: number): Promise<ReadonlyMap<string, number>>;

  /**
   * Writes each view unless the stored one is as new or newer; of several of one customer in one call the newest counts.
   * Into the live generation, and into the one under construction while there is one; or into `generation` alone.
   */
  abstract save(views: readonly CustomerView[], generation?: number): Promise<void>;

  abstract generations(): Promise<Generations>;
  /** Opens an empty generation beside the live one; an abandoned one under construction is dropped first. */
  abstract startBuilding(): Promise<number>;
  /** In one step: reads go to `generation`, nothing is under construction any more. */
  abstract goLive(generation: number): Promise<void>;
  abstract dropGeneration(generation: number): Promise<void>;

  /** @throws StoreUnavailable */
  abstract health(): Promise<void>;
}
