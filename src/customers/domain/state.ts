import type { Carried, CommandField, Personal, Plain, Profile } from './fields.js';

export interface AttachedSource {
  readonly id: string;
  readonly type?: string;
  readonly state: string;
  readonly reusable: boolean;
  /** UTC date-time of the attachment. */
  readonly createdTime: string;
}

/** The values of a customer that each event replaces as a whole. */
export type Current<P extends Carried = Personal> = Profile<P> & { readonly [F in CommandField]?: Plain[F] } & {
  readonly requestToBeForgotten: boolean;
  /** UTC date-time; present while a request to be forgotten is open. */
  readonly forgetDueAt?: string;
  readonly defaultSourceId?: string;
};

/** What an event replaces. `null`: nothing is left. */
export type NewValues<P extends Carried> = { readonly [V in keyof Current]?: Current<P>[V] | null };

export interface ActiveCustomer<P extends Carried = Personal> extends Current<P>, Incarnation {
  readonly status: 'active';
  readonly taxCertificates: readonly P['taxCertificate'][];
  /** In the order of attachment. */
  readonly sources: readonly AttachedSource[];
  /** Detached in this incarnation: they can never be attached again. Absent in a state that was read from a view. */
  readonly detachedSources?: readonly string[];
}

export interface EndedCustomer extends Incarnation {
  readonly status: 'erased' | 'deleted';
}

interface Incarnation {
  /** From 1; also the revision of the key. */
  readonly life: number;
  /** UTC date-times with milliseconds. */
  readonly createdTime: string;
  readonly updatedTime: string;
}

/**
 * What the events make of a customer. An id can have several incarnations: each creation after a deletion begins a new one
 * in the same history.
 */
export type CustomerState<P extends Carried = Personal> =
  { readonly status: 'none'; readonly life: 0 } | ActiveCustomer<P> | EndedCustomer;

export const noCustomer = { status: 'none', life: 0 } as const;
