/** How an attempt to deliver ended. */
export const OUTCOMES = [
  'delivered',
  /** Any status but 2xx, 3xx and 410. */
  'refused',
  'redirected',
  'gone',
  'timed_out',
  /** No connection, or a broken one. */
  'unreachable',
  /** The name leads to an address that is not sent to. */
  'address_refused',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const LANE_STATES = [
  /** To be delivered as soon as there is room. */
  'waiting',
  /** The last attempt failed: the next is made at `dueAt`. */
  'retrying',
  /** Given up after 72 hours; goes on when it is replayed. */
  'parked',
  'delivered',
] as const;
export type LaneState = (typeof LANE_STATES)[number];

export interface LaneKey {
  readonly endpointId: string;
  readonly customerId: string;
}

/** A lane that is to reach to `end`, and begins at `next` where it is new. */
export interface LaneWork extends LaneKey {
  readonly next: number;
  /** Exclusive. */
  readonly end: number;
}

export interface Attempt {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly outcome: Outcome;
  readonly status?: number;
}

/**
 * The events of one customer on their way to one endpoint. What is to be delivered are the revisions from `next` to before
 * `end`; nothing of the events themselves is kept.
 */
export interface Lane extends LaneWork {
  readonly state: LaneState;
  /** Failed attempts at `next`. */
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly dueAt: number;
  /** When `next` failed first, milliseconds since the epoch. */
  readonly failingSince?: number;
  readonly last?: Attempt;
}

export interface SetBack {
  readonly state: 'retrying' | 'parked';
  readonly attempts: number;
  readonly dueAt: number;
  readonly failingSince: number;
  readonly last: Attempt;
}
