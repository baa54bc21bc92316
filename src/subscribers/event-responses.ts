import { ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { SourceResponse } from '../customers/dto/customer-response.js';
import { ShippingRequest } from '../customers/dto/shipping-request.js';
import { TaxCertificateRequest } from '../customers/dto/tax-certificate-request.js';
import { PERSONAL_FIELDS } from '../customers/personal-values.js';
import { EVENT_TYPES } from './cloud-event.js';

const cleared = (schema: object): { oneOf: object[] } => ({ oneOf: [schema, { type: 'null' }] });
const text = { type: 'string' };

/** All fields that an event of some type has; docs/events.md says which. */
export class CloudEventDataResponse {
  @ApiProperty({ type: String, example: '5823594808' })
  customerId: string;

  @ApiPropertyOptional({ ...cleared({ type: 'string', format: 'email' }), description: 'Personal.' })
  email?: unknown;

  @ApiPropertyOptional(cleared(text))
  locale?: unknown;

  @ApiPropertyOptional({ enum: ['business', 'individual'] })
  type?: string;

  @ApiPropertyOptional({ type: Boolean })
  enabled?: boolean;

  @ApiPropertyOptional({
    ...cleared({ $ref: getSchemaPath(ShippingRequest) }),
    description: 'Personal. The whole resulting value.',
  })
  shipping?: unknown;

  @ApiPropertyOptional({
    ...cleared({ type: 'object', additionalProperties: true }),
    description: 'Personal. The whole resulting map.',
  })
  metadata?: unknown;

  @ApiPropertyOptional({ type: TaxCertificateRequest, description: 'Personal. The one that was added.' })
  taxCertificate?: unknown;

  @ApiPropertyOptional({ type: SourceResponse, description: 'The one that was attached.' })
  source?: unknown;

  @ApiPropertyOptional({ type: String, format: 'uuid', description: 'Of the source that was detached.' })
  sourceId?: string;

  @ApiPropertyOptional(cleared({ type: 'string', format: 'uuid' }))
  defaultSourceId?: unknown;

  @ApiPropertyOptional({ type: Boolean })
  requestToBeForgotten?: boolean;

  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'When the erasure takes effect.' })
  dueAt?: string;

  @ApiPropertyOptional({ enum: ['grace_period_over', 'requested'], description: 'Why the customer was erased.' })
  cause?: string;

  @ApiPropertyOptional({
    enum: PERSONAL_FIELDS,
    enumName: 'PersonalField',
    isArray: true,
    description: 'Personal fields that are left out because the reader lacks the scope `events:read.pii`.',
  })
  redacted?: string[];

  @ApiPropertyOptional({
    enum: PERSONAL_FIELDS,
    enumName: 'PersonalField',
    isArray: true,
    description: 'Personal fields that are left out because the customer was erased or deleted.',
  })
  erased?: string[];
}

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
    allOf: [{ $ref: '#/components/schemas/CloudEventDataResponse' }],
    description:
      'The new values under the names of the customer resource, `null` for what was cleared. docs/events.md lists them by type.',
  })
  data: CloudEventDataResponse;
}

export class EventPageResponse {
  @ApiProperty({ type: [CloudEventResponse], description: 'In the order of the log.' })
  data: CloudEventResponse[];

  @ApiProperty({ type: String, description: 'Where to go on: give it back as `after`.' })
  next: string;

  @ApiProperty({ type: Boolean, description: 'Whether more can be had at once. `data` may be empty all the same.' })
  hasMore: boolean;
}
