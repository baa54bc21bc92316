/** Why the domain refuses a command; the same codes as in the HTTP contract. */
export type CustomerErrorCode =
  | 'not_found'
  | 'already_exists'
  | 'customer_erased'
  | 'legal_hold'
  | 'invalid_parameter'
  | 'too_many_metadata_pairs'
  | 'invalid_metadata_key'
  | 'invalid_metadata_value'
  | 'source_not_found'
  | 'nonreusable_source'
  | 'source_not_chargeable'
  | 'source_in_use';

/** A refusal. Its message never repeats a personal value. */
export class CustomerError extends Error {
  override readonly name = 'CustomerError';
  constructor(
    readonly code: CustomerErrorCode,
    /** Dotted path of the request's parameter at fault. */
    readonly parameter: string | undefined,
    message: string,
  ) {
    super(message);
  }
}

/** Several values of one request, each refused for itself. */
export class ValuesRefused extends CustomerError {
  constructor(readonly refusals: readonly [CustomerError, ...CustomerError[]]) {
    const [{ code, parameter, message }] = refusals;
    super(code, parameter, message);
  }
}

export const customerNotFound = (id: string): CustomerError =>
  new CustomerError('not_found', 'id', `Customer '${id}' not found`);

export const customerErased = (id: string): CustomerError =>
  new CustomerError('customer_erased', 'id', `Customer '${id}' was erased`);

export const legalHold = (id: string): CustomerError =>
  new CustomerError('legal_hold', 'id', `Customer '${id}' is under a legal hold`);
