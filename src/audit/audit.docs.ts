import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiOperation, ApiQuery, type ApiQueryOptions } from '@nestjs/swagger';
import { CUSTOMER } from '../customers/dto/examples.js';
import { customerId } from '../customers/dto/parameter-docs.js';
import { answer, CURSOR_FORM, CUSTOMER_ID, DATE_OR_TIME, type Docs } from '../http/answer-docs.js';
import { Errors } from '../http/error-docs.js';
import {
  CustomerAsOfResponse,
  CustomerDiffResponse,
  CustomerVerificationResponse,
  AlteredEventResponse,
  HistoryEventResponse,
  HistoryPageResponse,
  LOG_TYPE_SCHEMA,
  LogEventPageResponse,
  LogEventResponse,
} from './audit-responses.js';
import { ERASED, PERSONAL } from './customer-record.js';
import { ACTOR, DEFAULT_LIMIT, MAX_LIMIT, REVISION } from './read-audit-query.js';

const NOTED =
  'Each use is an event of its own in the log: who, which route, which customer, when. It is answered only once that stands ' +
  `there. Personal values only with the scope \`audit:read.pii\` besides: \`${PERSONAL}\` without, \`${ERASED}\` once erased.`;

const HASHES = {
  prevHash: '6d5b9a1e4f0c2a7d8e3b1c5f9a0d4e6b7c8f2a1d3e5b9c0f4a6d8e1b2c7f3a5d',
  hash: '9b74c9897bac770ffc029102a200c5de1f3b9d0a6e4c8f2b7d1a5e3c9f0b6d8e',
};
const ENVELOPE = {
  id: '0198a0f4-6a3e-7c53-9d6c-3f0a5a1c2b7e',
  stream: 'customer-5823594808',
  revision: 3,
  type: 'CustomerEmailChanged',
  happenedTime: '2026-03-01T09:31:00.000Z',
  recordedTime: '2026-03-01T09:31:00.004Z',
  actor: { type: 'api_key', id: 'key_dGhlIG9uZQ' },
  requestId: 'checkout-8812',
  commandId: '5a2f1c9e-27b8-4c9a-8a77-0d4b4a5e2f10',
  ...HASHES,
};
const CHANGED = {
  ...ENVELOPE,
  life: 1,
  reason: { code: 'support_call', text: 'Asked by phone' },
  changes: [{ pointer: '/email', before: 'jane@example.com', after: 'jane.doe@example.com' }],
};
const hidden = (mark: string): object => ({
  ...CHANGED,
  reason: { code: 'support_call', text: mark },
  changes: [{ pointer: '/email', before: mark, after: mark }],
});
const ALTERED = {
  ...{ id: ENVELOPE.id, stream: ENVELOPE.stream, revision: 4, type: 'CustomerEnabled' },
  ...{ recordedTime: ENVELOPE.recordedTime, problem: 'The event is not of the form in which events are written' },
};
const LOOKED = {
  ...ENVELOPE,
  stream: 'audit-5a2f1c9e-27b8-4c9a-8a77-0d4b4a5e2f10',
  revision: 0,
  type: 'AuditAccessed',
  customerId: '5823594808',
  access: { action: 'GET /audit/customers/:id/events', details: { personal: false } },
};
const STANDING = {
  revision: 3,
  life: 1,
  status: 'active',
  stoodFrom: '2026-03-01T09:31:00.000Z',
  stoodTo: '2026-03-04T12:00:00.000Z',
};
const UNSEEN = {
  ...CUSTOMER,
  email: PERSONAL,
  shipping: PERSONAL,
  metadata: PERSONAL,
};
const CURSOR = 'Y2hhbmdlZCB0byB0aGUgb25lIG9mIHlvdXIgbG9n';

/** A revision, or what a time can be. */
const MOMENT = { anyOf: [{ type: 'string', pattern: REVISION.source }, DATE_OR_TIME] };

const page = (...data: readonly object[]): object => ({ data, next: CURSOR, hasMore: false });
const PAGING: readonly ApiQueryOptions[] = [
  { name: 'after', schema: CURSOR_FORM, description: 'A cursor: what follows it.' },
  {
    name: 'limit',
    schema: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
    description: 'How many at most.',
  },
];

const query = (...parameters: readonly ApiQueryOptions[]): Docs =>
  applyDecorators(...parameters.map((parameter) => ApiQuery({ required: false, ...parameter })));

export const ListAuditEvents = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Reads all events of the log, a page at a time',
      description:
        'Of customers, of sources, and of the uses of the audit itself. A page looks through a part of the log only, so with ' +
        `a rare filter it can be empty and still lead on: ask again with \`next\` while \`hasMore\` is true. ${NOTED}`,
    }),
    query(
      ...PAGING,
      { name: 'from', schema: DATE_OR_TIME, description: 'A date or date-time: what happened then or later.' },
      {
        name: 'to',
        schema: DATE_OR_TIME,
        description: 'A date or date-time: what happened before. Nothing, where it is before `from`.',
      },
      { name: 'actor', schema: { type: 'string', pattern: ACTOR.source }, description: '`<type>:<id>` of who did it.' },
      {
        name: 'types',
        schema: LOG_TYPE_SCHEMA,
        style: 'form',
        explode: false,
        description: 'Only events of these types.',
      },
      {
        name: 'customerId',
        schema: CUSTOMER_ID,
        description: 'Only what is about this customer: its sources and the uses of the audit among it.',
      },
    ),
    ApiExtraModels(LogEventResponse, AlteredEventResponse),
    answer(200, LogEventPageResponse, { page: page({ ...ENVELOPE, customerId: '5823594808' }, LOOKED) }),
    Errors('invalid_parameter', 'cursor_gone'),
  );

export const ListCustomerHistory = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Reads what happened to a customer, a page at a time',
      description: `With the fields that each event changed; of deleted and erased customers too, and of all lives of an id. ${NOTED}`,
    }),
    customerId(),
    query(...PAGING),
    ApiExtraModels(HistoryEventResponse, AlteredEventResponse),
    answer(200, HistoryPageResponse, {
      page: page(CHANGED),
      'without audit:read.pii': page(hidden(PERSONAL)),
      erased: page(hidden(ERASED)),
      altered: page({ ...CHANGED, problem: 'The event is not what was hashed' }, ALTERED),
    }),
    Errors('invalid_parameter', 'cursor_gone', 'not_found'),
  );

export const GetCustomerAsOf = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Gets a customer as it was',
      description:
        'At a time, or after an event; as it is now without either. By the time at which events happened. Before its first ' +
        `event a customer is not found. ${NOTED}`,
    }),
    customerId(),
    query(
      {
        name: 'asOf',
        schema: DATE_OR_TIME,
        description: 'A date or date-time. A time to come is answered with what stands now.',
      },
      {
        name: 'revision',
        schema: { type: 'integer', minimum: 0, maximum: 999_999_999 },
        description: 'After the event with this revision. Not together with asOf.',
      },
    ),
    answer(200, CustomerAsOfResponse, {
      customer: { customerId: '5823594808', ...STANDING, customer: CUSTOMER },
      'without audit:read.pii': { customerId: '5823594808', ...STANDING, customer: UNSEEN },
      deleted: { customerId: '5823594808', ...STANDING, status: 'deleted' },
    }),
    Errors('invalid_parameter', 'not_found'),
  );

export const DiffCustomer = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: 'Compares a customer at two moments',
      description: `Either can be the earlier one. Before its first event there was nothing. ${NOTED}`,
    }),
    customerId(),
    query(
      { name: 'from', required: true, schema: MOMENT, description: 'A revision, or a date or date-time.' },
      { name: 'to', schema: MOMENT, description: 'The same; as it is now without it.' },
    ),
    answer(200, CustomerDiffResponse, {
      diff: {
        customerId: '5823594808',
        from: { ...STANDING, revision: 2 },
        to: STANDING,
        changes: CHANGED.changes,
      },
    }),
    Errors('invalid_parameter', 'missing_parameter', 'not_found'),
  );

export const VerifyCustomer = (): Docs =>
  applyDecorators(
    ApiOperation({
      summary: "Checks a customer's history against its hashes and the audit tree",
      description:
        'What was cut off its end is not seen here: the verification of the whole log, from the command line, finds that. ' +
        'Each use is an event of its own in the log.',
    }),
    customerId(),
    answer(200, CustomerVerificationResponse, {
      sound: { customerId: '5823594808', state: 'sound', events: 4, underCheckpoint: 4, findings: [] },
    }),
    Errors('not_found'),
  );
