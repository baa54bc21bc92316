import { ApiError, fault, hasFaults, unknownParameter } from '../../http/errors.js';
import type { JsonObject } from '../../http/json-body.js';
import { newValueFaults, toFaults } from '../../http/new-values.js';
import { readBody } from '../../http/read-body.js';
import type { CustomerChanges } from '../domain/changes.js';
import type { Shipping } from '../domain/personal.js';
import { canonicalLocale } from './locale.js';
import { toOnlyAsStored } from './only-as-stored.js';
import { CreateCustomerRequest, UpdateCustomerRequest } from './customer-requests.js';
import type { ShippingRequest } from './shipping-request.js';

/** Clients that read, edit and post back send these along: they are passed over in an update. */
const READ_ONLY: ReadonlySet<string> = new Set([
  'id',
  'taxCertificates',
  'sources',
  'createdTime',
  'updatedTime',
  'liveMode',
]);

export interface NewCustomer {
  readonly id: string | undefined;
  readonly changes: CustomerChanges;
}

/** `null` for a field that can be cleared is taken as absent: there is nothing to clear yet. @throws ApiError */
export function readCreate(body: JsonObject): NewCustomer {
  const request = readBody(CreateCustomerRequest, body, {
    found: toFaults(newValueFaults(CreateCustomerRequest, body)),
  });
  return { id: request.id, changes: withoutNull(changesOf(request)) };
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
  const changes = changesOf(readBody(UpdateCustomerRequest, body, { ignored: READ_ONLY, found, besides }));
  return notNew.length === 0 ? changes : { ...changes, onlyAsStored: notNew.map(toOnlyAsStored) };
}

/** For operations that take no fields. @throws ApiError unknown_parameter for any that was sent */
export function readNothing(body: JsonObject): void {
  const faults = Object.keys(body).map((name) => unknownParameter(name));
  if (hasFaults(faults)) throw new ApiError(faults);
}

function changesOf(request: CreateCustomerRequest | UpdateCustomerRequest): CustomerChanges {
  const { email, locale, type, enabled, metadata, defaultSourceId, shipping, taxCertificate } = request;
  const forget = 'requestToBeForgotten' in request ? request.requestToBeForgotten : undefined;
  return {
    ...(email !== undefined && { email }),
    ...(locale !== undefined && { locale: canonical(locale) }),
    ...(type !== undefined && { type }),
    ...(enabled !== undefined && { enabled }),
    ...(shipping !== undefined && { shipping: shipping && toShipping(shipping) }),
    ...(taxCertificate !== undefined && { taxCertificate: withoutNull(taxCertificate) }),
    ...(metadata !== undefined && { metadata: Array.isArray(metadata) ? {} : metadata }),
    ...(defaultSourceId !== undefined && { defaultSourceId: defaultSourceId && defaultSourceId.toLowerCase() }),
    ...(forget !== undefined && { requestToBeForgotten: forget }),
  };
}

/** What does not name a language was refused before it got here. */
const canonical = (locale: string | null): string | null =>
  locale === null ? null : (canonicalLocale(locale) ?? null);

function toShipping({ address, additionalAddressInfo, ...rest }: ShippingRequest): Shipping {
  return {
    ...withoutNull(rest),
    ...(address != null && { address: withoutNull(address) }),
    ...(additionalAddressInfo != null && { additionalAddressInfo: withoutNull(additionalAddressInfo) }),
  };
}

type WithoutNull<T> = { [K in keyof T]: Exclude<T[K], null> };

/** Keeps the fields that have a value. */
function withoutNull<T extends object>(object: T): WithoutNull<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value != null)) as WithoutNull<T>;
}
