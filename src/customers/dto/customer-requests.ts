import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional } from 'class-validator';
import { Opaque, Rule } from '../../http/body-fields.js';
import { isEmailAddress, isLocale, isUuid } from '../../http/field-rules.js';
import { CUSTOMER_TYPES, type CustomerType, type ListField, type SettableField } from '../domain/fields.js';
import type { Metadata, Shipping, TaxCertificate } from '../domain/personal.js';
import { isCustomerId } from '../streams.js';
import { fewPairs, goodKeys, goodValues, isObject } from './metadata-rules.js';
import { MayBeAbsent, RequestField } from './request-field.js';

const ID_RULE = 'id must have 1 to 40 characters of A-Z a-z 0-9 . _ -';

/** What create and update have in common. A field of the catalogue that is missing here does not compile. */
abstract class CustomerFields implements Record<SettableField | ListField, unknown> {
  @RequestField({ maxLength: 254, description: 'The customer email address. Not unique. `null` clears it.' })
  @Rule('invalid_parameter', 'email must be an email', isEmailAddress)
  email: string | null | undefined;

  @RequestField({
    pattern: '^[a-z]{2}_[A-Z]{2}$',
    description: 'ISO 639-1 language code, `_`, ISO 3166-1 alpha-2 country code. `null` clears it.',
  })
  @Rule('invalid_parameter', 'locale must be a language and a country as in en_US', isLocale)
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
      'characters. An update merges key by key, `""` removes a key, `null` clears all. A value of another type than ' +
      'string keeps its type.',
  })
  @Opaque()
  @Rule('invalid_metadata_value', 'A metadata value must be JSON of at most 500 characters', goodValues)
  @Rule('invalid_metadata_key', 'A metadata key must have 1 to 40 characters and must not be a reserved word', goodKeys)
  @Rule('too_many_metadata_pairs', 'A customer can hold at most 20 metadata pairs', fewPairs)
  @Rule('invalid_parameter', 'metadata must be an object', isObject)
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
