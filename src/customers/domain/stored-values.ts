import type { CustomerChanges } from './changes.js';
import { CustomerError, type CustomerErrorCode, ValuesRefused } from './errors.js';
import { sameValue } from './same-value.js';
import type { ActiveCustomer } from './state.js';

/** A value that current rules refuse; accepted only if the customer already holds exactly this value. */
export interface OnlyAsStored {
  /** Path in the changes and in the customer: `['shipping', 'name']`. */
  readonly path: readonly string[];
  readonly code: CustomerErrorCode;
  readonly parameter: string;
  readonly message: string;
}

/** @throws ValuesRefused */
export function refuseUnlessStored(changes: CustomerChanges, customer: ActiveCustomer): void {
  const refused = (changes.onlyAsStored ?? []).filter(({ path }) => !isStored(path, changes, customer));
  const [first, ...others] = refused.map((value) => new CustomerError(value.code, value.parameter, value.message));
  if (first !== undefined) throw new ValuesRefused([first, ...others]);
}

/** A certificate joins a list: it is a repeat as a whole or not at all. */
function isStored(path: readonly string[], changes: CustomerChanges, customer: ActiveCustomer): boolean {
  return path[0] === 'taxCertificate'
    ? customer.taxCertificates.some((known) => sameValue(known, changes.taxCertificate))
    : sameValue(at(path, changes), at(path, customer));
}

const at = (path: readonly string[], object: object): unknown =>
  path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? (value as Readonly<Record<string, unknown>>)[name]
        : undefined,
    object,
  );
