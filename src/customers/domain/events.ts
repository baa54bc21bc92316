import type { Carried, Personal } from './personal.js';

export type CustomerType = 'business' | 'individual';

export type SourceFacts = {
  readonly sourceId: string;
  readonly type?: string;
  readonly state: string;
  readonly reusable: boolean;
};

/**
 * The event catalogue and the storage format: a name and its fields are never changed, only joined by new ones
 * (`.v2` and an upcaster). `null` says that a value was cleared. A personal field carries the whole resulting value.
 */
export type CustomerEvent<P extends Carried = Personal> =
  | {
      readonly type: 'CustomerCreated';
      readonly data: {
        readonly email?: P['email'];
        readonly locale?: string;
        readonly type?: CustomerType;
        readonly enabled: boolean;
        readonly shipping?: P['shipping'];
        readonly metadata?: P['metadata'];
      };
    }
  | { readonly type: 'CustomerEmailChanged'; readonly data: { readonly email: P['email'] | null } }
  | { readonly type: 'CustomerLocaleChanged'; readonly data: { readonly locale: string | null } }
  | { readonly type: 'CustomerTypeChanged'; readonly data: { readonly type: CustomerType } }
  | { readonly type: 'CustomerEnabled'; readonly data: Empty }
  | { readonly type: 'CustomerDisabled'; readonly data: Empty }
  | { readonly type: 'CustomerShippingChanged'; readonly data: { readonly shipping: P['shipping'] | null } }
  | { readonly type: 'CustomerMetadataChanged'; readonly data: { readonly metadata: P['metadata'] | null } }
  | { readonly type: 'TaxCertificateAdded'; readonly data: { readonly taxCertificate: P['taxCertificate'] } }
  | { readonly type: 'SourceAttached'; readonly data: SourceFacts }
  | { readonly type: 'SourceDetached'; readonly data: { readonly sourceId: string } }
  | { readonly type: 'DefaultSourceChanged'; readonly data: { readonly sourceId: string | null } }
  /** `dueAt`: UTC date-time at which the erasure takes effect unless withdrawn before. */
  | { readonly type: 'ForgetRequested'; readonly data: { readonly dueAt: string } }
  | { readonly type: 'ForgetRequestWithdrawn'; readonly data: Empty }
  /** While it lasts the customer is neither erased nor deleted, whoever asks. */
  | { readonly type: 'LegalHoldPlaced'; readonly data: Empty }
  | { readonly type: 'LegalHoldLifted'; readonly data: Empty }
  /** From here on nothing personal may follow in this life; the key of `keyRevision` is destroyed. */
  | {
      readonly type: 'CustomerErased';
      readonly data: {
        readonly keyRevision: number;
        readonly cause: ErasureCause;
        /** Why, in the words of whoever asked; matches `[a-z0-9_-]{1,40}`. */
        readonly reasonCode?: string;
      };
    }
  | { readonly type: 'CustomerDeleted'; readonly data: { readonly keyRevision: number } };

export type ErasureCause = 'grace_period_over' | 'requested';

type Empty = { readonly [key: string]: never };

export type CustomerEventType = CustomerEvent['type'];
