import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ENTRIES, FIELD_NAMES, PERSONAL_FIELDS } from '../customers/domain/fields.js';
import { documented } from '../customers/dto/field-docs.js';
import { EVENT_TYPES } from './cloud-event.js';
import { VALUE_SCHEMAS } from './value-schemas.js';

/** Nest asks for a type, and leaves this one out beside what takes its place. */
const inSchema = (schema: object): PropertyDecorator => ApiPropertyOptional({ type: Object, ...schema });

/** A hold is no part of the customer that answers show, and is not documented here either. */
const isDocumented = (name: string): boolean =>
  !FIELD_NAMES.some((field) => field === name && !ENTRIES[field].answered);

const leftOut = (why: string): PropertyDecorator =>
  ApiPropertyOptional({
    enum: PERSONAL_FIELDS,
    enumName: 'PersonalField',
    isArray: true,
    description: `Personal fields that are left out because the ${why}.`,
  });

/** All fields that an event of some type has; docs/events.md says which. */
export const CloudEventDataResponse = documented('CloudEventDataResponse', {
  customerId: ApiProperty({ type: String, example: '5823594808' }),
  ...Object.fromEntries(
    [...VALUE_SCHEMAS].filter(([name]) => isDocumented(name)).map(([name, schema]) => [name, inSchema(schema)]),
  ),
  redacted: leftOut('reader lacks the scope `events:read.pii`'),
  erased: leftOut('customer was erased or deleted'),
});

/** CloudEvents 1.0, JSON format. */
export class CloudEventResponse {
  @ApiProperty({ enum: ['1.0'] })
  specversion: string;

  @ApiProperty({
    type: String,
    format: 'uuid',
    description: 'With `source` it names the event: a repeat has the same.',
  })
  id: string;

  @ApiProperty({ type: String, format: 'uri-reference', description: 'The event log. Another log has another.' })
  source: string;

  @ApiProperty({ enum: Object.values(EVENT_TYPES), enumName: 'EventType' })
  type: string;

  @ApiProperty({ type: String, description: "The customer's id.", example: '5823594808' })
  subject: string;

  @ApiProperty({ type: String, format: 'date-time', description: 'When it happened.' })
  time: string;

  @ApiProperty({ enum: ['application/json'] })
  datacontenttype: string;

  @ApiProperty({
    type: String,
    format: 'uri',
    description: 'Names the form of `data`; a changed form has another name.',
  })
  dataschema: string;

  @ApiProperty({
    type: String,
    pattern: '^[0-9]{10,16}$',
    description: "The customer's revision: from 0, without gaps. Sorts as text and reads as a number.",
  })
  sequence: string;

  @ApiProperty({ type: String, description: "The customer's id: order is kept for each." })
  partitionkey: string;

  @ApiProperty({ type: String, description: '`X-Request-Id` of the request it came from.' })
  correlationid: string;

  @ApiProperty({ type: String, description: 'Names the command: the same for all events of one request.' })
  causationid: string;

  @ApiPropertyOptional({ type: String, description: 'W3C Trace Context of that request.' })
  traceparent?: string;

  @ApiProperty({
    type: CloudEventDataResponse,
    allOf: [{ $ref: '#/components/schemas/CloudEventDataResponse' }],
    description:
      'The new values under the names of the customer resource, `null` for what was cleared. docs/events.md lists them by type.',
  })
  data: object;
}

export class EventPageResponse {
  @ApiProperty({ type: [CloudEventResponse], description: 'In the order of the log.' })
  data: CloudEventResponse[];

  @ApiProperty({ type: String, description: 'Where to go on: give it back as `after`.' })
  next: string;

  @ApiProperty({ type: Boolean, description: 'Whether more can be had at once. `data` may be empty all the same.' })
  hasMore: boolean;
}
