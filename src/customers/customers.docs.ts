import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse } from '@nestjs/swagger';
import { answer, text, valued, type Docs } from '../http/answer-docs.js';
import { BODY_ERRORS, Errors } from '../http/error-docs.js';
import type { ErrorCode } from '../http/errors.js';
import { CreateCustomerRequest, UpdateCustomerRequest } from './dto/customer-requests.js';
import { CUSTOMER, ERASED, SOURCE } from './dto/examples.js';
import { customerId, idempotencyKey, ifMatch, listParameters, reason, sourceId } from './dto/parameter-docs.js';
import { CustomerPageResponse, CustomerResponse, SourceResponse } from './dto/customer-response.js';

const METADATA_ERRORS: readonly ErrorCode[] = [
  'too_many_metadata_pairs',
  'invalid_metadata_key',
  'invalid_metadata_value',
];
const SOURCE_ERRORS: readonly ErrorCode[] = [
  'source_not_found',
  'nonreusable_source',
  'source_not_chargeable',
  'source_in_use',
];
const CHANGE_ERRORS: readonly ErrorCode[] = [
  'invalid_parameter',
  'precondition_failed',
  'outcome_unknown',
  ...BODY_ERRORS,
];

export const ListCustomers = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Get all customers',
      description:
        'Newest first, by `createdTime` and `id`. `hasMore` tells whether more follow in the direction of travel. ' +
        'Filters can be combined with each other and with a cursor. Deleted customers are not listed.',
    }),
    listParameters(),
    answer(200, CustomerPageResponse, { page: { hasMore: true, data: [CUSTOMER] } }),
    Errors('invalid_parameter'),
  );

export const CreateCustomer = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Creates a new customer',
      description:
        'With `defaultSourceId` that source is attached in the same step. Clients that choose ids can create ' +
        'and fall back to an update on 409 `already_exists`.',
    }),
    body(CreateCustomerRequest, {
      nothing: {},
      usual: { id: '5823594808', email: 'jane@example.com', locale: 'en_US', type: 'individual' },
    }),
    idempotencyKey(),
    reason(),
    answer(201, CustomerResponse, { created: CUSTOMER }, { ...ETAG, Location: text('The path of the customer.') }),
    Errors(
      'missing_parameter',
      ...CHANGE_ERRORS,
      ...METADATA_ERRORS,
      ...SOURCE_ERRORS,
      'already_exists',
      'customer_erased',
      'idempotency_key_reused',
    ),
  );

export const GetCustomer = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Gets a customer by ID',
      description: 'An erased customer is still there, without anything personal. A deleted one is not found.',
    }),
    customerId(),
    answer(200, CustomerResponse, { customer: CUSTOMER, erased: ERASED }, ETAG),
    Errors('not_found'),
  );

export const UpdateCustomer = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Updates an existing customer',
      description:
        'Keeps what is not named; one that changes nothing leaves `updatedTime` alone. With `requestToBeForgotten: true` ' +
        'the grace period starts at once (asking again does not move its end) and other changes ride along.',
    }),
    customerId(),
    body(UpdateCustomerRequest, {
      change: { email: 'jane.doe@example.com', metadata: { tier: 'platinum', visits: '' } },
      forget: { requestToBeForgotten: true },
      clear: { shipping: null },
    }),
    idempotencyKey(),
    ifMatch(),
    reason(),
    answer(200, CustomerResponse, { updated: CUSTOMER }, ETAG),
    Errors(
      'missing_parameter',
      ...CHANGE_ERRORS,
      ...METADATA_ERRORS,
      'not_found',
      'customer_erased',
      'idempotency_key_reused',
    ),
  );

/** A change without a body and without an answer. Short enough to stand at the route itself. */
export const Change = (summary: string, description: string, ...errors: readonly ErrorCode[]): Docs =>
  applyDecorators(
    ApiOperation({ summary, description }),
    customerId(),
    ifMatch(),
    reason(),
    ApiResponse({ status: 204, description: 'No content' }),
    Errors(...CHANGE_ERRORS, 'not_found', 'customer_erased', ...errors),
  );

export const DeleteCustomer = (): Docs =>
  Change(
    'Deletes a customer by ID',
    'For good: the personal values are erased, the sources cancelled. The id can be created anew.',
    'legal_hold',
  );

export const AttachSource = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Attaches a source to a customer',
      description:
        'The first attached source becomes the default. Attaching one that is attached already changes nothing. A source ' +
        'belongs to one customer at most.',
    }),
    customerId(),
    sourceId(),
    idempotencyKey(),
    ifMatch(),
    reason(),
    answer(200, SourceResponse, { source: SOURCE }),
    Errors(...CHANGE_ERRORS, ...SOURCE_ERRORS, 'not_found', 'customer_erased', 'idempotency_key_reused'),
  );

export const DetachSource = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Detaches a source from a customer',
      description:
        'Cancels the source: it can not be attached again. When it was the default, the most recently attached remaining ' +
        'one becomes the default.',
    }),
    customerId(),
    sourceId(),
    ifMatch(),
    reason(),
    ApiResponse({ status: 204, description: 'No content' }),
    Errors(...CHANGE_ERRORS, 'source_not_found', 'not_found', 'customer_erased'),
  );

const ETAG = { ETag: text('The version of the customer, for `If-Match`.') };

const body = (type: new () => object, examples: Record<string, unknown>): Docs =>
  applyDecorators(ApiBody({ type, required: false, examples: valued(examples) }));
