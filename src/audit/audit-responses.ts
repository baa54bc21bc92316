import { ApiProperty, ApiPropertyOptional, getSchemaPath, PartialType } from '@nestjs/swagger';
import { ENTRIES, PERSONAL_FIELDS, type PersonalField } from '../customers/domain/fields.js';
import { CUSTOMER_DOCS } from '../customers/dto/customer-response.js';
import { documented, nameOf, oneOf, schemaOf } from '../customers/dto/field-docs.js';
import { LOG_EVENT_TYPES } from './read-audit-query.js';
import { ERASED, PERSONAL } from './customer-record.js';

const DATE_TIME = { type: String, format: 'date-time' } as const;
const mark = { type: 'string', enum: [PERSONAL, ERASED] };
const PROBLEM = {
  type: String,
  description: 'Only where the log was altered: what is wrong with this event.',
  example: 'The event is not what was hashed',
} as const;
const anyJson = ['string', 'number', 'boolean', 'object', 'array', 'null'].map((type) =>
  type === 'array' ? { type, items: {} } : type === 'object' ? { type, additionalProperties: true } : { type },
);

const PERSONAL_NAMES = PERSONAL_FIELDS.map(nameOf);

/** The Customer of the API, with a mark where a personal value is not shown. */
export const AuditedCustomerResponse = documented('AuditedCustomerResponse', {
  ...Object.fromEntries(Object.entries(CUSTOMER_DOCS).filter(([name]) => !PERSONAL_NAMES.includes(name))),
  ...Object.fromEntries(PERSONAL_FIELDS.map((field) => [nameOf(field), orMarked(field)])),
});

function orMarked(field: PersonalField): PropertyDecorator {
  const { schema, list, example } = ENTRIES[field];
  // A mark is a text, too.
  if ('type' in schema && schema.type === 'string') return ApiPropertyOptional({ type: String, example });
  const either = [schemaOf({ schema }), mark];
  return list === undefined ? oneOf(either) : ApiPropertyOptional({ type: 'array', items: { oneOf: either } });
}

export class FieldChangeResponse {
  @ApiProperty({
    type: String,
    description: 'RFC 6901, in the Customer of the API.',
    example: '/shipping/address/city',
  })
  pointer: string;

  @ApiPropertyOptional({ anyOf: anyJson, description: 'Absent where there was nothing.' })
  before?: unknown;

  @ApiPropertyOptional({ anyOf: anyJson, description: 'Absent where nothing is left.' })
  after?: unknown;
}

export class ActorResponse {
  @ApiProperty({ enum: ['api_key', 'token', 'system'] })
  type: string;

  @ApiProperty({ type: String, description: 'The id of the key, or a keyed hash of the subject of the token.' })
  id: string;
}

export class ReasonResponse {
  @ApiProperty({ type: String, example: 'support_call' })
  code: string;

  @ApiPropertyOptional({ type: String, description: `Personal: ${PERSONAL} without the scope, ${ERASED} once erased.` })
  text?: string;
}

export class EventEnvelopeResponse {
  @ApiProperty({ type: String, format: 'uuid' })
  id: string;

  @ApiProperty({ type: String, example: 'customer-5823594808' })
  stream: string;

  @ApiProperty({ type: 'integer', description: 'Place in the stream, from 0, without gaps.' })
  revision: number;

  @ApiProperty({ type: String, description: 'As it is in the log.', example: 'CustomerEmailChanged' })
  type: string;

  @ApiProperty({ ...DATE_TIME, description: 'When it was decided, by the service.' })
  happenedTime: string;

  @ApiProperty({ ...DATE_TIME, description: 'When the log wrote it, by its own clock.' })
  recordedTime: string;

  @ApiProperty({ type: ActorResponse })
  actor: ActorResponse;

  @ApiPropertyOptional({ type: ReasonResponse, description: '`X-Reason` of the request.' })
  reason?: ReasonResponse;

  @ApiProperty({ type: String, description: '`X-Request-Id` of the request.' })
  requestId: string;

  @ApiPropertyOptional({ type: String, description: 'Of the `traceparent` of the request.' })
  traceId?: string;

  @ApiProperty({ type: String, description: 'The same for all events of one request.' })
  commandId: string;

  @ApiPropertyOptional({ type: String, description: 'Of the event before it in the stream; absent for the first.' })
  prevHash?: string;

  @ApiProperty({ type: String, description: 'SHA-256, hex: docs/audit.md says over what.' })
  hash: string;
}

class HistoryDetailsResponse {
  @ApiPropertyOptional({ ...DATE_TIME, description: 'When a requested erasure takes effect.' })
  dueAt?: string;

  @ApiPropertyOptional({ enum: ['grace_period_over', 'requested'], description: 'Why the customer was erased.' })
  cause?: string;

  @ApiPropertyOptional({ type: String, description: 'Of an erasure that was asked for: why.' })
  reasonCode?: string;
}

export class HistoryEventResponse extends EventEnvelopeResponse {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which life: an id can be created anew after a deletion.' })
  life: number;

  @ApiPropertyOptional({ type: HistoryDetailsResponse })
  details?: HistoryDetailsResponse;

  @ApiProperty({
    type: [FieldChangeResponse],
    description: `Personal values only with \`audit:read.pii\`: ${PERSONAL} without, ${ERASED} once erased.`,
  })
  changes: FieldChangeResponse[];

  @ApiPropertyOptional(PROBLEM)
  problem?: string;
}

/** What can be told of an event after which the history makes no sense any more, or that is none. */
export class AlteredEventResponse extends PartialType(EventEnvelopeResponse) {
  @ApiProperty({ type: String })
  declare id: string;

  @ApiProperty({ type: String, example: 'customer-5823594808' })
  declare stream: string;

  @ApiProperty({ type: 'integer' })
  declare revision: number;

  @ApiProperty({ type: String })
  declare type: string;

  @ApiProperty(DATE_TIME)
  declare recordedTime: string;

  @ApiProperty(PROBLEM)
  problem: string;
}

class AccessResponse {
  @ApiProperty({ type: String, example: 'GET /audit/customers/:id' })
  action: string;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, description: 'What was asked for.' })
  details?: unknown;
}

export class LogEventResponse extends EventEnvelopeResponse {
  @ApiPropertyOptional({ type: String, description: 'Whom it is about.' })
  customerId?: string;

  @ApiPropertyOptional({ type: String, format: 'uuid' })
  sourceId?: string;

  @ApiPropertyOptional({ type: AccessResponse, description: 'Of a use of the audit.' })
  access?: AccessResponse;

  @ApiPropertyOptional(PROBLEM)
  problem?: string;
}

const orAltered = (name: string, description: string) => ({
  type: 'array' as const,
  description: `${description} Altered ones only where somebody wrote to the log.`,
  items: { anyOf: [name, 'AlteredEventResponse'].map((schema) => ({ $ref: getSchemaPath(schema) })) },
});

class PageResponse {
  @ApiProperty({ type: String, description: 'The cursor to go on with, as `after`.' })
  next: string;

  @ApiProperty({ type: Boolean, description: 'Whether there is more at once; the page can be empty all the same.' })
  hasMore: boolean;
}

export class HistoryPageResponse extends PageResponse {
  @ApiProperty(orAltered('HistoryEventResponse', 'First happened first.'))
  data: (HistoryEventResponse | AlteredEventResponse)[];
}

export class LogEventPageResponse extends PageResponse {
  @ApiProperty(orAltered('LogEventResponse', 'In the order of the log.'))
  data: (LogEventResponse | AlteredEventResponse)[];
}

export class StandingResponse {
  @ApiProperty({ type: 'integer', description: 'After the event with this revision.' })
  revision: number;

  @ApiProperty({ type: 'integer', minimum: 1 })
  life: number;

  @ApiProperty({ enum: ['active', 'erased', 'deleted'] })
  status: string;

  @ApiProperty({ ...DATE_TIME, description: 'When that event happened.' })
  stoodFrom: string;

  @ApiPropertyOptional({ ...DATE_TIME, description: 'When the next event happened; absent while it stands.' })
  stoodTo?: string;
}

export class CustomerAsOfResponse extends StandingResponse {
  @ApiProperty({ type: String, example: '5823594808' })
  customerId: string;

  @ApiPropertyOptional({ type: AuditedCustomerResponse, description: 'Absent where it was deleted.' })
  customer?: object;
}

export class CustomerDiffResponse {
  @ApiProperty({ type: String, example: '5823594808' })
  customerId: string;

  @ApiPropertyOptional({ type: StandingResponse, description: 'Absent where there was nothing yet.' })
  from?: StandingResponse;

  @ApiPropertyOptional({ type: StandingResponse, description: 'Absent where there was nothing yet.' })
  to?: StandingResponse;

  @ApiProperty({ type: [FieldChangeResponse] })
  changes: FieldChangeResponse[];
}

class CustomerFindingResponse {
  @ApiProperty({ type: 'integer', minimum: 0 })
  revision: number;

  @ApiPropertyOptional({ type: String, description: 'Absent where not even that can be read.' })
  eventId?: string;

  @ApiProperty({ type: String, example: 'The event is not what was hashed' })
  message: string;
}

export class CustomerVerificationResponse {
  @ApiProperty({ type: String, example: '5823594808' })
  customerId: string;

  @ApiProperty({ enum: ['sound', 'altered', 'cut', 'removed'] })
  state: string;

  @ApiProperty({ type: 'integer', description: 'How many there are.' })
  events: number;

  @ApiProperty({ type: 'integer', description: 'Of these, under a signed checkpoint; the newest wait about a minute.' })
  underCheckpoint: number;

  @ApiProperty({ type: [CustomerFindingResponse] })
  findings: CustomerFindingResponse[];
}

export const LOG_TYPE_SCHEMA = { type: 'array', items: { type: 'string', enum: [...LOG_EVENT_TYPES] } };
