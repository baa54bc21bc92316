import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional } from 'class-validator';
import { Opaque, Rule } from '../../http/body-fields.js';
import { isStorableEmail, isUuid } from '../../http/field-rules.js';
import { ForNewValues } from '../../http/new-values.js';
import { CUSTOMER_TYPES, type CustomerType, type ListField, type SettableField } from '../domain/fields.js';
import type { Metadata, Shipping, TaxCertificate } from '../domain/personal.js';
import { isCustomerId } from '../streams.js';
import { EMAIL_PATTERN, EMAIL_RULE, newEmail } from './email-address.js';
import { isLocale, LOCALE_PATTERN, MAX_LOCALE } from './locale.js';
import { fewPairs, goodKeys, goodValues, isObjectOrEmpty, newMetadata } from './metadata-rules.js';
import { MayBeAbsent, RequestField } from './request-field.js';

const ID_RULE = 'id must have 1 to 40 characters of A-Z a-z 0-9 . _ -';

/** What create and update have in common. A field of the catalogue that is missing here does not compile. */
abstract class CustomerFields implements Record<SettableField | ListField, unknown> {
  @RequestField({
    maxLength: 254,
    pattern: EMAIL_PATTERN,
    description:
      'The customer email address: RFC 5321, internationalised too, 254 octets at most. No control, invisible or ' +
      'bidirectional character, also not inside quotes; no comment, no address literal. Not unique. `null` clears it.',
  })
  @Rule('invalid_parameter', `email ${EMAIL_RULE}`, isStorableEmail)
  @ForNewValues(newEmail)
  email: string | null | undefined;

  @RequestField({
    maxLength: MAX_LOCALE,
    pattern: LOCALE_PATTERN,
    description:
      'ISO 639-1 language code, `_`, ISO 3166-1 alpha-2 country code: `en_US`. What names a language in BCP 47 or POSIX ' +
      'form is taken too and answered in that form: `en-US`, `de_DE_EURO`, `zh_Hans_CN`; a language alone stays alone. ' +
      'docs/values.md has the table. `null` clears it.',
  })
  @Rule('invalid_parameter', 'locale must name a language, or a language and a country as in en_US', isLocale)
  locale: string | null | undefined;

  @RequestField({ description: 'The type of customer.' })
  @IsIn(CUSTOMER_TYPES)
  type: CustomerType | undefined;

  @RequestField({
    description:
      'Usually used to disable the customer. If false, attempts to create orders for the customer will fail.',
    example: true,
  })
  @IsBoolean()
  enabled: boolean | undefined;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    format: 'uuid',
    description:
      'The identifier of the default source attached to this customer. A create attaches it; an update can only name ' +
      'one that is attached. `null` leaves the customer without a default.',
    example: 'fd74a5c5-0163-469a-ae8e-031f0259b576',
  })
  @IsOptional()
  @Rule('invalid_parameter', 'defaultSourceId must be a UUID', isUuid)
  defaultSourceId: string | null | undefined;

  @RequestField({ description: 'Shipping information. An update replaces the whole object, `null` clears it.' })
  shipping: Shipping | null | undefined;

  @RequestField({ description: 'A tax certificate, which joins `taxCertificates`.', writeOnly: true })
  taxCertificate: TaxCertificate | undefined;

  @RequestField({
    description:
      'At most 20 pairs; keys of 1 to 40 characters; values are any JSON, strings and compact JSON of at most 500 ' +
      'characters. Keys hold no control characters, texts none but tab, line feed and carriage return. A number must be one ' +
      'that a double holds, and not beyond 2^53 - 1: send longer ones as strings. An update merges key by key, `""` removes ' +
      'a key, `null` clears all. A value of another type than string keeps its type. `[]` for the whole is taken as `{}`.',
  })
  @Opaque()
  @Rule('invalid_metadata_value', 'A metadata value must be JSON of at most 500 characters', goodValues)
  @Rule('invalid_metadata_key', 'A metadata key must have 1 to 40 characters and must not be a reserved word', goodKeys)
  @Rule('too_many_metadata_pairs', 'A customer can hold at most 20 metadata pairs', fewPairs)
  @Rule('invalid_parameter', 'metadata must be an object', isObjectOrEmpty)
  @ForNewValues(newMetadata)
  metadata: Metadata | null | undefined;
}

export class CreateCustomerRequest extends CustomerFields {
  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: 40,
    pattern: '^[A-Za-z0-9._-]{1,40}$',
    description:
      'The unique identifier of a customer; a UUID is made when it is left out. It must not hold personal data: ' +
      'it outlives erasure. Narrower than other services have it: neither `.` nor `..`, and only the characters shown.',
    example: '5823594808',
  })
  @MayBeAbsent()
  @Rule('invalid_parameter', ID_RULE, (value) => typeof value === 'string' && isCustomerId(value))
  id: string | undefined;
}

export class UpdateCustomerRequest extends CustomerFields {
  @ApiProperty({
    type: Boolean,
    required: false,
    description:
      'If true, indicates this customer has submitted a request to be forgotten: the grace period starts, at its end ' +
      'the personal values are erased for good. `false` withdraws the request.',
    example: true,
  })
  @MayBeAbsent()
  @IsBoolean()
  requestToBeForgotten: boolean | undefined;
}
