import type { CustomerChanges } from './changes.js';
import type { CustomerEvent } from './events.js';
import { FIELDS, type Profile, SETTABLE, SETTABLE_FIELDS, type SettableField, type Values } from './fields.js';
import { sameValue } from './same-value.js';
import type { ActiveCustomer } from './state.js';

/** What a creation says of the customer. @throws CustomerError too_many_metadata_pairs */
export function profileOf(changes: CustomerChanges): Profile {
  const profile: { -readonly [F in SettableField]?: Values[F] } = {};
  for (const field of SETTABLE_FIELDS) set(profile, field, changes[field] ?? SETTABLE[field].initial);
  return { ...profile, enabled: profile.enabled ?? FIELDS.enabled.initial };
}

function set<F extends SettableField>(profile: { [K in F]?: Values[K] }, field: F, asked: Values[F] | undefined): void {
  const value = asked === undefined ? undefined : resulting(field, asked, undefined);
  if (value !== undefined) profile[field] = value;
}

function resulting<F extends SettableField>(
  field: F,
  asked: Values[F],
  present: Values[F] | undefined,
): Values[F] | undefined {
  const { merged } = SETTABLE[field];
  return merged === undefined ? asked : merged(present, asked);
}

/** One event for each field that gets another value than it has. @throws CustomerError too_many_metadata_pairs */
export const changedFields = (changes: CustomerChanges, customer: ActiveCustomer): readonly CustomerEvent[] => [
  ...PLAIN_FIRST.flatMap((field) => changedField(field, changes[field], customer[field])),
  ...addedCertificate(changes.taxCertificate, customer),
];

/** The order of the events of one command: first the fields that are not personal. */
const PLAIN_FIRST = [...SETTABLE_FIELDS].sort((a, b) => Number(FIELDS[a].personal) - Number(FIELDS[b].personal));

function changedField<F extends SettableField>(
  field: F,
  asked: Values[F] | null | undefined,
  present: Values[F] | undefined,
): readonly CustomerEvent[] {
  if (asked === undefined) return [];
  const { changed, cleared } = SETTABLE[field];
  const next = asked === null ? undefined : resulting(field, asked, present);
  if (sameValue(next, present)) return [];
  if (next !== undefined) return [changed(next)];
  return cleared === undefined ? [] : [cleared];
}

function addedCertificate(
  taxCertificate: CustomerChanges['taxCertificate'],
  customer: ActiveCustomer,
): readonly CustomerEvent[] {
  if (taxCertificate == null || customer.taxCertificates.some((known) => sameValue(known, taxCertificate))) return [];
  return [{ type: 'TaxCertificateAdded', data: { taxCertificate } }];
}
