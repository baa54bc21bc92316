import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiQuery, ApiResponse } from '@nestjs/swagger';
import { answer, type Docs } from '../http/answer-docs.js';
import { BODY_ERRORS, Errors } from '../http/error-docs.js';
import type { ErrorCode } from '../http/errors.js';
import { EraseCustomerRequest } from './dto/erasure-request.js';
import { ErasureResponse } from './dto/erasure-response.js';
import { customerId, idempotencyKey, ifMatch } from './dto/parameter-docs.js';

const CHANGE_ERRORS: readonly ErrorCode[] = [
  'invalid_parameter',
  'precondition_failed',
  'outcome_unknown',
  ...BODY_ERRORS,
  'not_found',
  'customer_erased',
];

const REQUESTED = {
  customerId: '5823594808',
  life: 1,
  state: 'requested',
  legalHold: false,
  requestedTime: '2026-03-01T09:31:00.000Z',
  dueTime: '2026-03-29T09:31:00.000Z',
};
const ERASED = {
  ...REQUESTED,
  state: 'erased',
  erasedTime: '2026-03-29T09:31:12.000Z',
  reasonCode: 'gdpr_art_17',
  receipt: {
    payload: {
      cause: 'requested',
      checkpoint:
        'customers.example/log\n421\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n\n\u2014 customers.example/log …\n',
      customerId: '5823594808',
      erasedTime: '2026-03-29T09:31:12.000Z',
      event: {
        hash: '9b74c9897bac770ffc029102a200c5de9b74c9897bac770ffc029102a200c5de',
        id: '0198a0f4-6a3e-4c53-9d6c-3f0a5a1c2b7e',
        revision: 4,
        stream: 'customer-5823594808',
      },
      issuedTime: '2026-03-29T09:32:00.000Z',
      keys: [{ fingerprint: '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d', revision: 1 }],
      life: 1,
      places: ['event_log', 'read_model', 'key_store', 'key_caches', 'webhook_deliveries'],
      planned: { backupsUnreadableTime: '2026-04-29T09:31:12.000Z' },
      reasonCode: 'gdpr_art_17',
      requestedTime: '2026-03-01T09:31:00.000Z',
      type: 'customer-erasure',
      version: 1,
    },
    signature: { algorithm: 'Ed25519', keyId: '2026a', publicKey: 'MCowBQYDK2VwAyEA…', value: 'b3BlbnNzbA…' },
  },
  subscribers: [
    {
      webhookId: 'wh_q1w2e3r4t5y6u7i8',
      toldTime: '2026-03-29T09:31:13.000Z',
      acknowledgedTime: '2026-03-29T09:31:13.000Z',
    },
  ],
};

export const EraseCustomer = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Erases a customer now',
      description:
        'For good: from the answer on nothing personal can be read or written. Erasing again changes nothing and is ' +
        'answered with the same receipt. Under a legal hold it is 409 `legal_hold`.',
    }),
    customerId(),
    ApiBody({
      type: EraseCustomerRequest,
      required: false,
      examples: { plain: { value: {} }, reasoned: { value: { reasonCode: 'gdpr_art_17' } } },
    }),
    idempotencyKey(),
    ifMatch(),
    answer(200, ErasureResponse, {
      erasing: { ...REQUESTED, state: 'erasing', erasedTime: ERASED.erasedTime, subscribers: [] },
      erased: ERASED,
    }),
    Errors(...CHANGE_ERRORS, 'legal_hold', 'idempotency_key_reused'),
  );

export const GetErasure = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Tells how far the forgetting of a customer is, with its receipt',
      description: 'Also shows a legal hold, and the erasure that the deletion of a customer is.',
    }),
    customerId(),
    ApiQuery({
      name: 'life',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 999_999_999 },
      description: 'An earlier life of an id that was deleted and created anew; the newest when absent.',
    }),
    answer(200, ErasureResponse, {
      none: { customerId: '5823594808', life: 1, state: 'none', legalHold: true },
      requested: REQUESTED,
      erased: ERASED,
    }),
    Errors('not_found', 'invalid_parameter'),
  );

export const PlaceLegalHold = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Places a legal hold on a customer',
      description: 'Neither an erasure nor a deletion takes place while it lasts: what is due waits. Idempotent.',
    }),
    customerId(),
    ifMatch(),
    ApiResponse({ status: 204, description: 'No content' }),
    Errors(...CHANGE_ERRORS),
  );

export const LiftLegalHold = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Lifts the legal hold on a customer',
      description: 'An erasure that fell due meanwhile takes place within a minute. Idempotent.',
    }),
    customerId(),
    ifMatch(),
    ApiResponse({ status: 204, description: 'No content' }),
    Errors(...CHANGE_ERRORS),
  );
