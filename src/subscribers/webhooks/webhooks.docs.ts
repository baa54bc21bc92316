import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiParam, ApiQuery, ApiResponse } from '@nestjs/swagger';
import { answer, type Docs, CUSTOMER_ID, text, valued } from '../../http/answer-docs.js';
import { BODY_ERRORS, Errors } from '../../http/error-docs.js';
import { CreateWebhookRequest, ReplayWebhookRequest, UpdateWebhookRequest } from './dto/webhook-requests.js';
import {
  DeliveryPageResponse,
  WebhookListResponse,
  WebhookResponse,
  WebhookTestResponse,
} from './dto/webhook-responses.js';
import { LANE_STATES } from './lane.js';

const WEBHOOK = {
  id: 'wh_q1w2e3r4t5y6u7i8',
  url: 'https://hooks.example.com/customers',
  description: 'CRM',
  types: ['customer.created', 'customer.email_changed'],
  personalValues: false,
  enabled: true,
  createdTime: '2026-01-01T00:00:00.000Z',
  updatedTime: '2026-01-01T00:00:00.000Z',
};
const NEW = { ...WEBHOOK, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=' };
const DELIVERY = {
  customerId: '5823594808',
  state: 'retrying',
  nextSequence: 4,
  pending: 2,
  attempts: 3,
  nextAttemptTime: '2026-01-01T00:00:07.000Z',
  failingSince: '2026-01-01T00:00:00.000Z',
  lastAttempt: { time: '2026-01-01T00:00:03.000Z', outcome: 'refused', status: 500 },
};

const id = (): Docs =>
  applyDecorators(ApiParam({ name: 'id', schema: { type: 'string' }, description: 'Webhook ID', example: WEBHOOK.id }));

export const ListWebhooks = (): Docs =>
  applyDecorators(
    ApiOperation({ summary: 'Gets all webhooks' }),
    answer(200, WebhookListResponse, { all: { data: [WEBHOOK] } }),
    Errors(),
  );

export const CreateWebhook = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Subscribes an endpoint to events',
      description:
        'From now on. Each event is posted once or more, as a CloudEvent signed after Standard Webhooks 1.0.0, for each ' +
        'customer strictly in the order of `sequence`. The secret is in this answer only.',
    }),
    body(CreateWebhookRequest, { usual: { url: WEBHOOK.url, types: WEBHOOK.types } }),
    answer(201, WebhookResponse, { created: NEW }, { Location: text('The path of the webhook.') }),
    Errors('invalid_parameter', 'missing_parameter', ...BODY_ERRORS),
  );

export const GetWebhook = (): Docs =>
  applyDecorators(
    ApiOperation({ summary: 'Gets a webhook by ID' }),
    id(),
    answer(200, WebhookResponse, {
      webhook: WEBHOOK,
      gone: { ...WEBHOOK, enabled: false, disabledReason: 'gone' },
    }),
    Errors('not_found'),
  );

export const UpdateWebhook = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Updates a webhook',
      description:
        'Keeps what is not named. Takes effect within a second. The body can be sent as `application/merge-patch+json` (RFC 7396), too.',
    }),
    id(),
    body(UpdateWebhookRequest, { disable: { enabled: false }, rotate: { rotateSecret: true }, all: { types: null } }),
    answer(200, WebhookResponse, {
      updated: WEBHOOK,
      rotated: { ...NEW, secretsExpire: '2026-01-02T00:00:00.000Z' },
    }),
    Errors('invalid_parameter', 'not_found', ...BODY_ERRORS),
  );

export const DeleteWebhook = (): Docs =>
  applyDecorators(
    ApiOperation({ summary: 'Ends a subscription', description: 'What was not delivered is not delivered any more.' }),
    id(),
    ApiResponse({ status: 204, description: 'No content' }),
    Errors('not_found', ...BODY_ERRORS),
  );

export const ListDeliveries = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Shows how far delivery has come, customer by customer',
      description:
        'A failed delivery is repeated with growing pauses for 72 hours, then `parked` until it is replayed; the events of ' +
        'other customers go on meanwhile.',
    }),
    id(),
    query('limit', { type: 'integer', minimum: 1, maximum: 100, default: 10 }, 'How many at most.'),
    query('startingAfter', CUSTOMER_ID, 'The id of a customer: those behind it.'),
    query('state', { type: 'string', enum: [...LANE_STATES] }, 'Only those in this state.'),
    answer(200, DeliveryPageResponse, { page: { hasMore: false, data: [DELIVERY] } }),
    Errors('invalid_parameter', 'not_found'),
  );

export const ReplayWebhook = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Delivers again',
      description:
        'From a cursor of the feed or from a time, up to now; or what was given up. Exactly one of the three. Each customer ' +
        'is set back once and goes on from there in order; a repeat carries the same `source` and `id`.',
    }),
    id(),
    body(ReplayWebhookRequest, { since: { since: '2026-01-01T00:00:00Z' }, parked: { parked: true } }),
    answer(202, WebhookResponse, { accepted: { ...WEBHOOK, replaying: true } }),
    Errors('invalid_parameter', 'missing_parameter', 'not_found', 'replay_in_progress', 'cursor_gone', ...BODY_ERRORS),
  );

export const TestWebhook = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Sends a test event',
      description: 'Of the type `webhook.test`, at once and once, also to a webhook that is not enabled.',
    }),
    id(),
    answer(200, WebhookTestResponse, {
      delivered: { delivered: true, outcome: 'delivered', status: 204 },
      refused: { delivered: false, outcome: 'refused', status: 500 },
    }),
    Errors('not_found', ...BODY_ERRORS),
  );

const query = (name: string, schema: object, description: string): Docs =>
  applyDecorators(ApiQuery({ name, required: false, schema, description }));

const body = (type: new () => object, examples: Record<string, unknown>): Docs =>
  applyDecorators(ApiBody({ type, examples: valued(examples) }));
