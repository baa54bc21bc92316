import type { CustomerType } from './events.js';
import type { Metadata, Shipping, TaxCertificate } from './personal.js';
import type { OnlyAsStored } from './stored-values.js';

/** What a create or update asks for. Absent: leave as it is. `null`: clear. Checked for shape before it gets here. */
export interface CustomerChanges {
  readonly email?: string | null;
  readonly locale?: string | null;
  readonly type?: CustomerType;
  readonly enabled?: boolean;
  readonly shipping?: Shipping | null;
  /** Joins the customer's certificates. */
  readonly taxCertificate?: TaxCertificate;
  /** Merged key by key into what is there; `""` removes a key. */
  readonly metadata?: Metadata | null;
  readonly defaultSourceId?: string | null;
  readonly requestToBeForgotten?: boolean;
  readonly onlyAsStored?: readonly OnlyAsStored[];
}
