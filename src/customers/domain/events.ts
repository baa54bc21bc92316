import type { EventCatalogue } from './event-entry.js';
import { type Carried, type CustomerType, type Personal, type Profile, SETTABLE_FIELDS } from './fields.js';
import type { NewValues } from './state.js';

export type SourceFacts = {
  readonly sourceId: string;
  readonly type?: string;
  readonly state: string;
  readonly reusable: boolean;
};

export type ErasureCause = 'grace_period_over' | 'requested';

/**
 * What each event says, and the storage format: a name and its fields never change, new ones only join them (`.v2` and an
 * upcaster). `null` says that a value was cleared. A personal field carries the whole resulting value.
 */
export interface EventData<P extends Carried = Personal> {
  readonly CustomerCreated: Profile<P>;
  readonly CustomerEmailChanged: { readonly email: P['email'] | null };
  readonly CustomerLocaleChanged: { readonly locale: string | null };
  readonly CustomerTypeChanged: { readonly type: CustomerType };
  readonly CustomerEnabled: Empty;
  readonly CustomerDisabled: Empty;
  readonly CustomerShippingChanged: { readonly shipping: P['shipping'] | null };
  readonly CustomerMetadataChanged: { readonly metadata: P['metadata'] | null };
  readonly TaxCertificateAdded: { readonly taxCertificate: P['taxCertificate'] };
  readonly SourceAttached: SourceFacts;
  readonly SourceDetached: { readonly sourceId: string };
  readonly DefaultSourceChanged: { readonly sourceId: string | null };
  /** `dueAt`: UTC date-time at which the erasure takes effect unless withdrawn before. */
  readonly ForgetRequested: { readonly dueAt: string };
  readonly ForgetRequestWithdrawn: Empty;
  /** While it lasts the customer is neither erased nor deleted, whoever asks. */
  readonly LegalHoldPlaced: Empty;
  readonly LegalHoldLifted: Empty;
  /** From here on nothing personal may follow in this incarnation; the key of `keyRevision` is destroyed. */
  readonly CustomerErased: {
    readonly keyRevision: number;
    readonly cause: ErasureCause;
    /** Why, in the words of whoever asked; matches `[a-z0-9_-]{1,40}`. */
    readonly reasonCode?: string;
  };
  readonly CustomerDeleted: { readonly keyRevision: number };
}

type Empty = { readonly [key: string]: never };

export type CustomerEventType = keyof EventData;

export type CustomerEvent<P extends Carried = Personal> = {
  readonly [T in CustomerEventType]: { readonly type: T; readonly data: EventData<P>[T] };
}[CustomerEventType];

const nothing = (): NewValues<never> => ({});

/** Every event of a customer, said once: storage, decoding, state, view, feed and history follow from it. */
export const EVENTS = {
  CustomerCreated: {
    name: 'customer.created',
    shape: {
      email: 'personal?',
      locale: 'text?',
      type: 'text?',
      enabled: 'flag',
      shipping: 'personal?',
      metadata: 'personal?',
    },
    changes: (profile) => ({ ...profile, requestToBeForgotten: false }),
    tells: [...SETTABLE_FIELDS, 'requestToBeForgotten'],
  },
  CustomerEmailChanged: {
    name: 'customer.email_changed',
    shape: { email: 'personal | null' },
    changes: ({ email }) => ({ email }),
    tells: ['email'],
  },
  CustomerLocaleChanged: {
    name: 'customer.locale_changed',
    shape: { locale: 'text | null' },
    changes: ({ locale }) => ({ locale }),
    tells: ['locale'],
  },
  CustomerTypeChanged: {
    name: 'customer.type_changed',
    shape: { type: 'text' },
    changes: ({ type }) => ({ type }),
    tells: ['type'],
  },
  CustomerEnabled: {
    name: 'customer.enabled',
    shape: {},
    changes: () => ({ enabled: true }),
    tells: ['enabled'],
  },
  CustomerDisabled: {
    name: 'customer.disabled',
    shape: {},
    changes: () => ({ enabled: false }),
    tells: ['enabled'],
  },
  CustomerShippingChanged: {
    name: 'customer.shipping_changed',
    shape: { shipping: 'personal | null' },
    changes: ({ shipping }) => ({ shipping }),
    tells: ['shipping'],
  },
  CustomerMetadataChanged: {
    name: 'customer.metadata_changed',
    shape: { metadata: 'personal | null' },
    changes: ({ metadata }) => ({ metadata }),
    tells: ['metadata'],
  },
  TaxCertificateAdded: {
    name: 'customer.tax_certificate_added',
    shape: { taxCertificate: 'personal' },
    changes: nothing,
    tells: ['taxCertificate'],
  },
  SourceAttached: {
    name: 'customer.source_attached',
    shape: { sourceId: 'text', type: 'text?', state: 'text', reusable: 'flag' },
    changes: nothing,
    tells: ['source'],
  },
  SourceDetached: {
    name: 'customer.source_detached',
    shape: { sourceId: 'text' },
    changes: nothing,
    tells: ['sourceId'],
  },
  DefaultSourceChanged: {
    name: 'customer.default_source_changed',
    shape: { sourceId: 'text | null' },
    changes: ({ sourceId }) => ({ defaultSourceId: sourceId }),
    tells: ['defaultSourceId'],
  },
  ForgetRequested: {
    name: 'customer.forget_requested',
    shape: { dueAt: 'text' },
    changes: ({ dueAt }) => ({ requestToBeForgotten: true, forgetDueAt: dueAt }),
    tells: ['requestToBeForgotten', 'dueAt'],
  },
  ForgetRequestWithdrawn: {
    name: 'customer.forget_request_withdrawn',
    shape: {},
    changes: () => ({ requestToBeForgotten: false, forgetDueAt: null }),
    tells: ['requestToBeForgotten'],
  },
  LegalHoldPlaced: {
    name: 'customer.legal_hold_placed',
    shape: {},
    changes: () => ({ legalHold: true }),
    tells: ['legalHold'],
  },
  LegalHoldLifted: {
    name: 'customer.legal_hold_lifted',
    shape: {},
    changes: () => ({ legalHold: false }),
    tells: ['legalHold'],
  },
  CustomerErased: {
    name: 'customer.erased',
    shape: { keyRevision: 'count', cause: 'text', reasonCode: 'text?' },
    changes: () => ({ enabled: false, requestToBeForgotten: true }),
    tells: ['enabled', 'requestToBeForgotten', 'cause'],
  },
  CustomerDeleted: {
    name: 'customer.deleted',
    shape: { keyRevision: 'count' },
    changes: nothing,
    tells: [],
  },
} satisfies EventCatalogue;

const BY_TYPE: EventCatalogue = EVENTS;

/** The new values that an event gives the customer. */
export const newValues = <P extends Carried>(event: CustomerEvent<P>): NewValues<P> => changes(event.type, event.data);

const changes = <T extends CustomerEventType, P extends Carried>(type: T, data: EventData<P>[T]): NewValues<P> =>
  BY_TYPE[type].changes(data);
