import { applyDecorators } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiHeader,
  ApiOperation,
  ApiQuery,
  type ApiQueryOptions,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import { CURSOR_FORM, CUSTOMER_ID, type Docs, text } from '../http/answer-docs.js';
import { Errors } from '../http/error-docs.js';
import { EVENT_TYPES } from './cloud-event.js';
import { CloudEventDataResponse, CloudEventResponse, EventPageResponse } from './event-responses.js';
import { DEFAULT_LIMIT, MAX_LIMIT } from './read-events-query.js';

export const JSON_MEDIA = 'application/json';
/** CloudEvents 1.0, JSON batch format. */
export const BATCH_MEDIA = 'application/cloudevents-batch+json';

/** Server-sent events, WHATWG HTML 9.2. */
export const STREAM_MEDIA = 'text/event-stream';

const CURSOR = 'Y2hhbmdlZCB0byB0aGUgb25lIG9mIHlvdXIgbG9n';

export const EXAMPLE = {
  specversion: '1.0',
  id: '0198a0f4-6a3e-7c53-9d6c-3f0a5a1c2b7e',
  source: '/event-logs/3d1e1f0a-9f0e-4a53-8c39-6a9d1c1b6a51',
  type: EVENT_TYPES.CustomerEmailChanged,
  subject: '5823594808',
  time: '2026-03-01T09:31:00.000Z',
  datacontenttype: JSON_MEDIA,
  dataschema: `urn:customers:schema:${EVENT_TYPES.CustomerEmailChanged}:1`,
  sequence: '0000000003',
  partitionkey: '5823594808',
  correlationid: 'checkout-8812',
  causationid: '5a2f1c9e-27b8-4c9a-8a77-0d4b4a5e2f10',
  data: { customerId: '5823594808', email: 'jane@example.com' },
};
const REDACTED = { ...EXAMPLE, data: { customerId: '5823594808', redacted: ['email'] } };
const ERASED = { ...EXAMPLE, data: { customerId: '5823594808', erased: ['email'] } };

const PROMISE =
  'At least once, never lost once the command was acknowledged; in the order of the log, so that each customer comes in the ' +
  'order of `sequence`, which without a filter on types has no gaps. A repeat has the same `source` and `id`. Personal values ' +
  'only with the scope `events:read.pii` besides; after erasure they are in no later answer, while the event still comes.';

const FILTERS: readonly ApiQueryOptions[] = [
  {
    name: 'types',
    schema: { type: 'array', items: { $ref: '#/components/schemas/EventType' } },
    style: 'form',
    explode: false,
    description: 'Only events of these types.',
  },
  { name: 'customerId', schema: CUSTOMER_ID, description: 'Only events of this customer.' },
];

const AFTER: ApiQueryOptions = {
  name: 'after',
  schema: CURSOR_FORM,
  description: 'A cursor: what follows it. From the beginning of the log without it.',
};
const LIMIT: ApiQueryOptions = {
  name: 'limit',
  schema: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
  description: 'How many at most.',
};

const query = (...parameters: readonly ApiQueryOptions[]): Docs =>
  applyDecorators(...parameters.map((parameter) => ApiQuery({ required: false, ...parameter })));

export const ListEvents = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Reads customer events, a page at a time',
      description:
        `${PROMISE} A cursor is good as long as the log lives; one of another log is 410. A page looks through a part of the ` +
        'log only, so with a rare filter it can be empty and still lead on: ask again with `next` while `hasMore` is true.',
    }),
    query(AFTER, LIMIT, ...FILTERS),
    ApiExtraModels(EventPageResponse, CloudEventResponse, CloudEventDataResponse),
    ApiResponse({
      status: 200,
      description: 'OK',
      headers: {
        'Events-Next': text('As `next`.'),
        'Events-Has-More': text('As `hasMore`.'),
        'X-Request-Id': text('The id of the request.'),
      },
      content: {
        [JSON_MEDIA]: {
          schema: { $ref: getSchemaPath(EventPageResponse) },
          examples: {
            page: { value: { data: [EXAMPLE], next: CURSOR, hasMore: true } },
            redacted: { value: { data: [REDACTED], next: CURSOR, hasMore: false } },
            erased: { value: { data: [ERASED], next: CURSOR, hasMore: false } },
          },
        },
        [BATCH_MEDIA]: {
          schema: { type: 'array', items: { $ref: getSchemaPath(CloudEventResponse) } },
          examples: { batch: { value: [EXAMPLE] } },
        },
      },
    }),
    Errors('invalid_parameter', 'cursor_gone'),
  );

export const StreamEvents = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Streams customer events as they happen',
      description:
        `${PROMISE} Server-sent events: \`id\` is a cursor as the feed has it, \`data\` one envelope. From the beginning of the ` +
        'log without a cursor; to begin now, read the feed first. A comment comes every 15 s, with a newer `id` where a filter ' +
        'has passed over events. While a store is away the stream waits. It ends when its key is revoked or expires, when the ' +
        'service stops, and for a reader that takes nothing for a minute: connect again with `Last-Event-ID`.',
    }),
    query(AFTER, ...FILTERS),
    ApiHeader({
      name: 'Last-Event-ID',
      required: false,
      description: 'The last `id` that was received: what follows it. Wins over `after`.',
      schema: { type: 'string' },
    }),
    ApiResponse({
      status: 200,
      description: 'OK',
      headers: { 'X-Request-Id': text('The id of the request.') },
      content: {
        [STREAM_MEDIA]: {
          schema: { type: 'string' },
          examples: {
            stream: { value: `:\nretry: 2000\nid: ${CURSOR}\ndata: ${JSON.stringify(EXAMPLE)}\n\n:\n` },
          },
        },
      },
    }),
    Errors('invalid_parameter', 'cursor_gone'),
  );
