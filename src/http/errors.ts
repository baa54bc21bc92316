/** `type` of an answer by its status (contract, section 3). */
export const ERROR_TYPES = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  408: 'request_timeout',
  409: 'conflict',
  410: 'gone',
  412: 'precondition_failed',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  422: 'unprocessable',
  429: 'too_many_requests',
  500: 'internal_server_error',
  503: 'service_unavailable',
} as const;

export type ErrorStatus = keyof typeof ERROR_TYPES;

/**
 * Every code an answer can carry: its status, and an example of its message. Clients act on codes: one is never renamed
 * or moved to another status. An example with a parameter shows where the fault is looked for.
 */
export const ERRORS = {
  invalid_parameter: { status: 400, example: { parameter: 'email', message: 'email must be an email address' } },
  missing_parameter: {
    status: 400,
    example: { parameter: 'shipping.address.country', message: 'country is required' },
  },
  unknown_parameter: { status: 400, example: { parameter: 'nickname', message: 'No such parameter' } },
  invalid_format: { status: 400, example: { message: 'The body is not valid JSON' } },
  too_many_metadata_pairs: {
    status: 400,
    example: { parameter: 'metadata', message: 'A customer can hold at most 20 metadata pairs' },
  },
  invalid_metadata_key: {
    status: 400,
    example: { parameter: 'metadata', message: 'A metadata key must have 1 to 40 characters' },
  },
  invalid_metadata_value: {
    status: 400,
    example: { parameter: 'metadata', message: 'A metadata value must have at most 500 characters' },
  },
  unauthorized: { status: 401, example: { message: 'A valid API key is required: Authorization: Bearer <key>' } },
  forbidden: { status: 403, example: { message: 'The API key lacks the scope customers:write' } },
  not_found: { status: 404, example: { parameter: 'id', message: "Customer '5823594808' not found" } },
  source_not_found: { status: 404, example: { parameter: 'sourceId', message: 'No such source' } },
  method_not_allowed: { status: 405, example: { message: 'Allowed here: GET, HEAD, POST' } },
  not_acceptable: { status: 406, example: { message: 'Only application/json can be answered' } },
  request_timeout: { status: 408, example: { message: 'The request did not arrive in time' } },
  already_exists: { status: 409, example: { parameter: 'id', message: "Customer '5823594808' already exists" } },
  nonreusable_source: { status: 409, example: { parameter: 'sourceId', message: 'The source is not reusable' } },
  source_not_chargeable: {
    status: 409,
    example: { parameter: 'sourceId', message: 'The source is not chargeable, or was detached before' },
  },
  source_in_use: { status: 409, example: { parameter: 'sourceId', message: 'The source belongs to another customer' } },
  customer_erased: { status: 409, example: { parameter: 'id', message: "Customer '5823594808' was erased" } },
  legal_hold: { status: 409, example: { parameter: 'id', message: "Customer '5823594808' is under a legal hold" } },
  replay_in_progress: { status: 409, example: { message: 'The replay before this one is still under way' } },
  cursor_gone: {
    status: 410,
    example: { parameter: 'after', message: 'The cursor is of another event log: begin anew without it' },
  },
  precondition_failed: {
    status: 412,
    example: { parameter: 'If-Match', message: 'The customer stands at another version' },
  },
  payload_too_large: { status: 413, example: { message: 'The body is too large' } },
  unsupported_media_type: { status: 415, example: { message: 'The body must be application/json in UTF-8' } },
  idempotency_key_reused: {
    status: 422,
    example: { parameter: 'Idempotency-Key', message: 'The key was used before, with another request' },
  },
  too_many_requests: { status: 429, example: { message: 'Too many requests' } },
  log_altered: {
    status: 500,
    example: { message: 'What stands in the event log is not what was written there: nothing follows from it' },
  },
  internal_server_error: { status: 500, example: { message: 'Something went wrong here' } },
  service_unavailable: { status: 503, example: { message: 'A store is out of reach; nothing was done' } },
  outcome_unknown: {
    status: 503,
    example: { message: 'It is not known whether the change was made; repeat it with the same Idempotency-Key' },
  },
} as const satisfies Record<string, { status: ErrorStatus; example: { parameter?: string; message: string } }>;

export type ErrorCode = keyof typeof ERRORS;

export interface Fault {
  readonly code: ErrorCode;
  /** Dotted path, or the name of a header; left out where none applies. */
  readonly parameter?: string;
  /** Never repeats a value. */
  readonly message: string;
}

export interface ErrorBody {
  readonly type: (typeof ERROR_TYPES)[ErrorStatus];
  readonly errors: readonly Fault[];
}

/** More are not reported: an answer must not grow with what was sent. */
export const MAX_FAULTS = 100;

/** A refusal by the edge itself. All faults share the status of the first. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly faults: readonly [Fault, ...Fault[]],
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(faults[0].code);
  }

  static of(code: ErrorCode, message: string, parameter?: string): ApiError {
    return new ApiError([fault(code, message, parameter)]);
  }

  get status(): ErrorStatus {
    return ERRORS[this.faults[0].code].status;
  }

  get body(): ErrorBody {
    return { type: ERROR_TYPES[this.status], errors: this.faults.slice(0, MAX_FAULTS) };
  }
}

/** @param parameter comes before the message in the answer */
export const fault = (code: ErrorCode, message: string, parameter?: string): Fault =>
  parameter === undefined ? { code, message } : { code, parameter, message };

export const unknownParameter = (name: string): Fault =>
  fault('unknown_parameter', ERRORS.unknown_parameter.example.message, name);

/** Of `more` what neither `told` nor an earlier one of them says already, by code and parameter. */
export function unlessToldBefore(told: readonly Fault[], more: readonly Fault[]): readonly Fault[] {
  const nameOf = ({ code, parameter }: Fault): string => `${code} ${parameter ?? ''}`;
  const names = new Set(told.map(nameOf));
  return more.filter((next) => !names.has(nameOf(next)) && names.add(nameOf(next)));
}

export const hasFaults = (faults: readonly Fault[]): faults is readonly [Fault, ...Fault[]] => faults.length > 0;
