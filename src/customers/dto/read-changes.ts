import { fieldsOf } from '../../http/body-fields.js';
import { ApiError, fault, hasFaults, unknownParameter } from '../../http/errors.js';
import type { JsonObject } from '../../http/json-body.js';
import { readBody } from '../../http/read-body.js';
import type { CustomerChanges } from '../domain/changes.js';
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
  const { id, ...changes } = readBody(CreateCustomerRequest, body);
  return { id, changes: withoutNull(withSourceId(changes)) };
}

/** @param id of the path: another one in the body is refused @throws ApiError */
export function readUpdate(id: string, body: JsonObject): CustomerChanges {
  const otherId = Object.hasOwn(body, 'id') && body['id'] !== id;
  const found = otherId ? [fault('invalid_parameter', 'The id of a customer can not be changed', 'id')] : [];
  return withSourceId(readBody(UpdateCustomerRequest, body, READ_ONLY, found));
}

/** For operations that take no fields. @throws ApiError unknown_parameter for any that was sent */
export function readNothing(body: JsonObject): void {
  const faults = Object.keys(body).map((name) => unknownParameter(name));
  if (hasFaults(faults)) throw new ApiError(faults);
}

/** Upper and lower case name the same source: the lower is kept. */
const withSourceId = ({ defaultSourceId, ...rest }: CustomerChanges): CustomerChanges => ({
  ...rest,
  ...(defaultSourceId !== undefined && { defaultSourceId: defaultSourceId && defaultSourceId.toLowerCase() }),
});

const withoutNull = (changes: CustomerChanges): CustomerChanges =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value != null));
