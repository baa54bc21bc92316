import { fieldsOf } from '../../http/body-fields.js';
import { ApiError, fault, hasFaults, unknownParameter } from '../../http/errors.js';
import type { JsonObject } from '../../http/json-body.js';
import { newValueFaults, toFaults } from '../../http/new-values.js';
import { readBody } from '../../http/read-body.js';
import type { CustomerChanges } from '../domain/changes.js';
import { canonicalLocale } from './locale.js';
import { toOnlyAsStored } from './only-as-stored.js';
import { CreateCustomerRequest, UpdateCustomerRequest } from './customer-requests.js';
import { CUSTOMER_DOCS } from './customer-response.js';

/** Clients that read, edit and post back send these along: they are passed over in an update. */
const READ_ONLY: ReadonlySet<string> = new Set(
  Object.keys(CUSTOMER_DOCS).filter((name) => !fieldsOf(UpdateCustomerRequest).has(name)),
);

export interface NewCustomer {
  readonly id: string | undefined;
  readonly changes: CustomerChanges;
}

/** `null` for a field that can be cleared is taken as absent: there is nothing to clear yet. @throws ApiError */
export function readCreate(body: JsonObject): NewCustomer {
  const found = toFaults(newValueFaults(CreateCustomerRequest, body));
  const { id, ...changes } = readBody(CreateCustomerRequest, body, { found });
  return { id, changes: withoutNull(asKept(changes)) };
}

/**
 * Values that the customer may hold although they are not let in any more are left for the decision, which knows.
 * @param id of the path: another one in the body is refused
 * @throws ApiError
 */
export function readUpdate(id: string, body: JsonObject): CustomerChanges {
  const otherId = Object.hasOwn(body, 'id') && body['id'] !== id;
  const found = otherId ? [fault('invalid_parameter', 'The id of a customer can not be changed', 'id')] : [];
  const notNew = newValueFaults(UpdateCustomerRequest, body);
  const besides = toFaults(notNew);
  const changes = asKept(readBody(UpdateCustomerRequest, body, { ignored: READ_ONLY, found, besides }));
  return notNew.length === 0 ? changes : { ...changes, onlyAsStored: notNew.map(toOnlyAsStored) };
}

/** For operations that take no fields. @throws ApiError unknown_parameter for any that was sent */
export function readNothing(body: JsonObject): void {
  const faults = Object.keys(body).map((name) => unknownParameter(name));
  if (hasFaults(faults)) throw new ApiError(faults);
}

/**
 * In the one form in which a value is kept: the lower case of a source's id, a locale as `xx_YY`. An empty array is what PHP
 * makes of an empty map.
 */
function asKept(changes: CustomerChanges): CustomerChanges {
  const { defaultSourceId, locale, metadata } = changes;
  return {
    ...changes,
    ...(defaultSourceId != null && { defaultSourceId: defaultSourceId.toLowerCase() }),
    // What does not name a language was refused before it got here.
    ...(locale != null && { locale: canonicalLocale(locale) ?? null }),
    ...(Array.isArray(metadata) && { metadata: {} }),
  };
}

const withoutNull = (changes: CustomerChanges): CustomerChanges =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value != null));
