import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsDefined, IsOptional, ValidateIf } from 'class-validator';
import { Opaque, Rule } from '../../../http/body-fields.js';
import { DATE_OR_TIME_PATTERN, DATE_OR_TIME_RULE } from '../../../http/date-time.js';
import { isText, timeOf } from '../../../http/field-rules.js';
import { TEXT_PATTERNS } from '../../../http/free-text.js';
import { FreeText } from '../../../http/new-values.js';
import { type CloudEventType, EVENT_TYPES } from '../../cloud-event.js';

const TYPES: readonly string[] = Object.values(EVENT_TYPES);
const MAX_URL = 2_048;
const MAX_DESCRIPTION = 500;

const MayBeAbsent = (): PropertyDecorator => ValidateIf((_, value: unknown) => value !== undefined);

const areTypes = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.length <= TYPES.length &&
  value.every((type) => typeof type === 'string' && TYPES.includes(type));

const URL_DOC = {
  type: String,
  format: 'uri',
  maxLength: MAX_URL,
  pattern: TEXT_PATTERNS.line,
  description:
    'Where to post to. https only; must lead to public addresses, which is checked now and at every delivery. Redirects ' +
    'are not followed.',
  example: 'https://hooks.example.com/customers',
} as const;

abstract class WebhookFields {
  @ApiPropertyOptional({
    type: String,
    nullable: true,
    minLength: 1,
    maxLength: MAX_DESCRIPTION,
    pattern: TEXT_PATTERNS.text,
    example: 'CRM',
  })
  @IsOptional()
  @FreeText('text')
  @Rule('invalid_parameter', 'description must have 1 to 500 characters', (value) => isText(value, 1, MAX_DESCRIPTION))
  description?: string | null;

  @ApiPropertyOptional({
    type: [String],
    enum: TYPES,
    enumName: 'EventType',
    minItems: 1,
    nullable: true,
    description:
      'Only these types of events, and always `customer.erased` and `customer.deleted`. All when absent; `null` clears the choice.',
  })
  @IsOptional()
  @Opaque()
  @Rule('invalid_parameter', 'types must list types of events', areTypes)
  types?: readonly CloudEventType[] | null;

  @ApiPropertyOptional({
    type: Boolean,
    default: false,
    description:
      'Whether personal values are delivered. Needs the scope `events:read.pii`, also to change the URL then.',
  })
  @MayBeAbsent()
  @IsBoolean()
  personalValues?: boolean;
}

/** A parser of URLs passes over tabs and line breaks in silence. */
const UrlRule = (): PropertyDecorator => (target, property) => {
  FreeText('line')(target, property);
  Rule('invalid_parameter', 'url must be an absolute URL of at most 2048 characters', (value) =>
    isText(value, 1, MAX_URL),
  )(target, property);
};

export class CreateWebhookRequest extends WebhookFields {
  @ApiProperty(URL_DOC)
  @IsDefined()
  @UrlRule()
  url: string;
}

export class UpdateWebhookRequest extends WebhookFields {
  @ApiPropertyOptional(URL_DOC)
  @MayBeAbsent()
  @UrlRule()
  url?: string;

  @ApiPropertyOptional({
    type: Boolean,
    description: 'While false nothing is sent; what happens meanwhile is delivered once it is true again.',
  })
  @MayBeAbsent()
  @IsBoolean()
  enabled?: boolean;

  @ApiPropertyOptional({
    type: Boolean,
    description: 'Makes a new secret, shown in this answer only. The one before signs on beside it for 24 hours.',
  })
  @MayBeAbsent()
  @IsBoolean()
  rotateSecret?: boolean;
}

/** Exactly one of them. */
export class ReplayWebhookRequest {
  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: 256,
    description: 'A cursor of the feed: the events behind it.',
  })
  @MayBeAbsent()
  @Rule('invalid_parameter', 'after must be a cursor that this service gave', (value) => isText(value, 1, 256))
  after?: string;

  @ApiPropertyOptional({
    type: String,
    pattern: DATE_OR_TIME_PATTERN,
    description: 'The events of this time and later: a date or a date-time (docs/values.md).',
    example: '2026-01-01T00:00:00Z',
  })
  @MayBeAbsent()
  @Rule('invalid_parameter', `since ${DATE_OR_TIME_RULE}`, (value) => timeOf(value) !== undefined)
  since?: string;

  @ApiPropertyOptional({
    type: Boolean,
    enum: [true],
    description: 'What was given up after 72 hours, from where it stands.',
  })
  @MayBeAbsent()
  @Rule('invalid_parameter', 'parked must be true', (value) => value === true)
  parked?: true;
}
