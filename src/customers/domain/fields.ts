import type { CustomerEvent } from './events.js';
import { mergeMetadata } from './metadata.js';
import type { Metadata, Shipping, TaxCertificate } from './personal.js';

export const CUSTOMER_TYPES = ['business', 'individual'] as const;
export type CustomerType = (typeof CUSTOMER_TYPES)[number];

/** The personal values of a customer. Each is in clear while a command decides and in an answer, and sealed elsewhere. */
export interface Personal {
  readonly email: string;
  readonly shipping: Shipping;
  readonly taxCertificate: TaxCertificate;
  readonly metadata: Metadata;
}

/** The other values of a customer that have the same name in commands, events, state, view and answers. */
export interface Plain {
  readonly locale: string;
  readonly type: CustomerType;
  readonly enabled: boolean;
  /** While it is true the customer is neither erased nor deleted. */
  readonly legalHold: boolean;
}

/** A field of which a customer has many values: each new one joins a list. */
export type ListField = 'taxCertificate';
/** A field that has a command of its own: no create and no update sets it. */
export type CommandField = 'legalHold';
/** A field with one value, which a create or an update sets. */
export type SettableField = Exclude<Field, ListField | CommandField>;

export type Field = keyof Values;
export type PersonalField = keyof Personal;
/** A personal field with one value. */
export type SingleField = Exclude<PersonalField, ListField>;
export interface Values extends Personal, Plain {}

/** How personal values are carried: in clear ({@link Personal}) or sealed. A fold carries them without opening them. */
export type Carried = { readonly [F in PersonalField]: unknown };

/** What a create sets. */
export type Profile<P extends Carried = Personal> = { readonly [F in SingleField]?: P[F] } & {
  readonly [F in Exclude<SettableField, SingleField | 'enabled'>]?: Plain[F];
} & Pick<Plain, 'enabled'>;

/** What a create or an update asks for. Absent: leave as it is. `null`: clear, where the field can be cleared. */
export type FieldChanges = { readonly [F in SettableField | ListField]?: Values[F] | null | undefined };

/** JSON Schema of one value. */
export type FieldSchema =
  | { readonly type: 'string'; readonly format?: string; readonly enum?: readonly string[] }
  | { readonly type: 'boolean' }
  | { readonly type: 'object'; readonly additionalProperties: true }
  /** A component of the OpenAPI document. */
  | { readonly $ref: 'ShippingRequest' | 'TaxCertificateRequest' };

interface FieldEntry<F extends Field> {
  readonly personal: F extends PersonalField ? true : false;
  /** Whether answers show it. */
  readonly answered: boolean;
  /** Of a field with many values: under which name answers and views have them. */
  readonly list?: 'taxCertificates';
  readonly schema: FieldSchema;
  /** What the documentation of answers says besides. */
  readonly pattern?: string;
  readonly description?: string;
  readonly example?: unknown;
  /** What the documentation of an event says of the value it carries. */
  readonly inEvents?: string;
}

interface SettableEntry<F extends Field> extends FieldEntry<F> {
  /** The event that says the new value. */
  readonly changed: (value: Values[F]) => CustomerEvent;
  /** The event that says that `null` cleared it. Absent: `null` does not clear it. */
  readonly cleared?: CustomerEvent;
  /** The value of a customer that is created without one. */
  readonly initial?: Values[F];
  /** The value that results from what is asked for; that itself when absent. `undefined`: none is left. */
  readonly merged?: (present: Values[F] | undefined, asked: Values[F]) => Values[F] | undefined;
}

type Catalogue = { readonly [F in Field]: F extends SettableField ? SettableEntry<F> : FieldEntry<F> };

/**
 * Every field of a customer, said once: sealing, state, view, requests, answers, the feed, the history and their
 * documentation follow from it. The order is that of requests, answers and documentation.
 */
export const FIELDS = {
  email: {
    personal: true,
    answered: true,
    schema: { type: 'string', format: 'email' },
    example: 'jane@example.com',
    changed: (email) => ({ type: 'CustomerEmailChanged', data: { email } }),
    cleared: { type: 'CustomerEmailChanged', data: { email: null } },
  },
  locale: {
    personal: false,
    answered: true,
    schema: { type: 'string' },
    pattern: '^[a-z]{2,3}(_[A-Z]{2})?$',
    description: 'A language and a country, or a language alone.',
    example: 'en_US',
    changed: (locale) => ({ type: 'CustomerLocaleChanged', data: { locale } }),
    cleared: { type: 'CustomerLocaleChanged', data: { locale: null } },
  },
  type: {
    personal: false,
    answered: true,
    schema: { type: 'string', enum: CUSTOMER_TYPES },
    example: 'individual',
    changed: (type) => ({ type: 'CustomerTypeChanged', data: { type } }),
  },
  enabled: {
    personal: false,
    answered: true,
    schema: { type: 'boolean' },
    description: 'If false, attempts to create orders for the customer fail.',
    initial: true,
    changed: (enabled) => ({ type: enabled ? 'CustomerEnabled' : 'CustomerDisabled', data: {} }),
  },
  shipping: {
    personal: true,
    answered: true,
    schema: { $ref: 'ShippingRequest' },
    inEvents: 'The whole resulting value.',
    changed: (shipping) => ({ type: 'CustomerShippingChanged', data: { shipping } }),
    cleared: { type: 'CustomerShippingChanged', data: { shipping: null } },
  },
  taxCertificate: {
    personal: true,
    answered: true,
    list: 'taxCertificates',
    schema: { $ref: 'TaxCertificateRequest' },
    inEvents: 'The one that was added.',
  },
  metadata: {
    personal: true,
    answered: true,
    schema: { type: 'object', additionalProperties: true },
    example: { tier: 'gold', visits: 3 },
    inEvents: 'The whole resulting map.',
    changed: (metadata) => ({ type: 'CustomerMetadataChanged', data: { metadata } }),
    cleared: { type: 'CustomerMetadataChanged', data: { metadata: null } },
    merged: mergeMetadata,
  },
  legalHold: { personal: false, answered: false, schema: { type: 'boolean' } },
} as const satisfies Catalogue;

/** The entries of what a create and an update set. */
export const SETTABLE: { readonly [F in SettableField]: SettableEntry<F> } = FIELDS;
/** The entries of all, with what all have in common. */
export const ENTRIES: { readonly [F in Field]: FieldEntry<F> } = FIELDS;

export const FIELD_NAMES = Object.keys(FIELDS) as readonly Field[];
export const SETTABLE_FIELDS = FIELD_NAMES.filter((field): field is SettableField => 'changed' in FIELDS[field]);
export const PERSONAL_FIELDS = FIELD_NAMES.filter((field): field is PersonalField => FIELDS[field].personal);
export const SINGLE_FIELDS = PERSONAL_FIELDS.filter((field): field is SingleField => !('list' in FIELDS[field]));
