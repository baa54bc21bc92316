import type { JsonObject } from '../event-sourcing/event-store.js';
import { SINGLE_FIELDS } from '../customers/domain/fields.js';
import { toCustomerResponse } from '../customers/dto/customer-response.js';
import { PersonalValues } from '../customers/personal-values.js';
import type { Sealed } from '../privacy/sealed.js';
import type { FieldChange } from './field-changes.js';
import type { CustomerView } from '../customers/read-model/customer-view.js';

/** What stands in the place of a personal value that the reader may not see, or that nobody can see any more. */
export const PERSONAL = '[personal]';
export const ERASED = '[erased]';

/** How the personal values of one life are shown: opened, or as a mark. */
export type Showing = PersonalValues | typeof PERSONAL | typeof ERASED;

/**
 * The customer as the contract has it. Where values are not to be shown, each stands as a mark; what it is made of is not
 * told. Undefined while there is none: before the creation, and after the deletion.
 * @throws SealBroken
 */
export function customerRecord(
  view: CustomerView | undefined,
  showing: Showing,
  liveMode: boolean,
): JsonObject | undefined {
  if (view === undefined || view.status === 'deleted') return undefined;
  if (showing instanceof PersonalValues) return asJson(toCustomerResponse(showing.openView(view), liveMode));
  const record = asJson(toCustomerResponse({ view, taxCertificates: [] }, liveMode));
  if (view.status === 'erased') return record;
  const marks = SINGLE_FIELDS.filter((field) => view[field] !== undefined).map((field) => [field, showing] as const);
  return { ...record, ...Object.fromEntries(marks), taxCertificates: view.taxCertificates.map(() => showing) };
}

/**
 * Personal values that were written anew between two states and stand as the same mark in both: that they changed is
 * told, not what. Sealed anew, also the same value looks like another one.
 */
export function hiddenChanges(
  before: CustomerView | undefined,
  after: CustomerView | undefined,
  showing: (life: number) => Showing,
): readonly FieldChange[] {
  if (before === undefined || after === undefined) return [];
  const mark = showing(after.life);
  if (mark instanceof PersonalValues || mark !== showing(before.life)) return [];
  return SINGLE_FIELDS.filter((field) => isOther(before[field], after[field])).map((field) => ({
    pointer: `/${field}`,
    before: mark,
    after: mark,
  }));
}

const isOther = (before: Sealed | undefined, after: Sealed | undefined): boolean =>
  before !== undefined && after !== undefined && before.sealed !== after.sealed;

const asJson = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;
