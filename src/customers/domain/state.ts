import type { CustomerType, SourceFacts } from './events.js';
import type { Carried, Personal } from './personal.js';

/**
 * What deciding needs to know of a customer. An id can live several times: each creation after a deletion begins a new
 * life in the same history. The number of the life is also the revision of its key.
 */
export type CustomerState<P extends Carried = Personal> =
  | { readonly status: 'none'; readonly life: 0 }
  | ActiveCustomer<P>
  | { readonly status: 'erased' | 'deleted'; readonly life: number };

export interface ActiveCustomer<P extends Carried = Personal> {
  readonly status: 'active';
  readonly life: number;
  readonly email?: P['email'] | undefined;
  readonly locale?: string | undefined;
  readonly type?: CustomerType | undefined;
  readonly enabled: boolean;
  readonly shipping?: P['shipping'] | undefined;
  readonly metadata?: P['metadata'] | undefined;
  readonly taxCertificates: readonly P['taxCertificate'][];
  /** In the order of attachment. */
  readonly sources: readonly SourceFacts[];
  /** Detached in this life: they can never be attached again. */
  readonly detachedSources: readonly string[];
  readonly defaultSourceId?: string | undefined;
  /** UTC date-time; present while a request to be forgotten is open. */
  readonly forgetDueAt?: string | undefined;
  readonly legalHold?: boolean | undefined;
}

export const noCustomer = { status: 'none', life: 0 } as const;
