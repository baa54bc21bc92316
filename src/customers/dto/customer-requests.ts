import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional, ValidateIf } from 'class-validator';
import { Nested, Opaque, Rule } from '../../http/body-fields.js';
import { isEmailAddress, isLocale, isUuid } from '../../http/field-rules.js';
import type { CustomerType } from '../domain/events.js';
import type { Metadata } from '../domain/personal.js';
import { isCustomerId } from '../streams.js';
import { fewPairs, goodKeys, goodValues, isObject } from './metadata-rules.js';
import { ShippingRequest } from './shipping-request.js';
import { TaxCertificateRequest } from './tax-certificate-request.js';

/** The field can be left out, but `null` is not one of its values and clears nothing. */
const MayBeAbsent = (): PropertyDecorator => ValidateIf((_, value: unknown) => value !== undefined);

const CUSTOMER_TYPES = ['business', 'individual'] as const satisfies readonly CustomerType[];

const ID_RULE = 'id must have 1 to 40 characters of A-Z a-z 0-9 . _ -';

/** What create and update have in common. `IsOptional` marks the fields that `null` clears. */
abstract class CustomerFields {
  @ApiPropertyOptional({
    type: String,
    nullable: true,
    format: 'email',
    maxLength: 254,
    description: 'The customer email address. Not unique. `null` clears it.',
    example: 'jane@example.com',
  })
  @IsOptional()
  @Rule('invalid_parameter', 'email must be an email', isEmailAddress)
  email?: string | null;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    pattern: '^[a-z]{2}_[A-Z]{2}$',
    description: 'ISO 639-1 language code, `_`, ISO 3166-1 alpha-2 country code. `null` clears it.',
    example: 'en_US',
  })
  @IsOptional()
  @Rule('invalid_parameter', 'locale must be a language and a country as in en_US', isLocale)
  locale?: string | null;

  @ApiPropertyOptional({ enum: CUSTOMER_TYPES, description: 'The type of customer.', example: 'individual' })
  @MayBeAbsent()
  @IsIn(CUSTOMER_TYPES)
  type?: CustomerType;

  @ApiPropertyOptional({
    type: Boolean,
    default: true,
    description:
      'Usually used to disable the customer. If false, attempts to create orders for the customer will fail.',
    example: true,
  })
  @MayBeAbsent()
  @IsBoolean()
  enabled?: boolean;

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
  defaultSourceId?: string | null;

  @ApiPropertyOptional({
    type: ShippingRequest,
    nullable: true,
    description: 'Shipping information. An update replaces the whole object, `null` clears it.',
  })
  @IsOptional()
  @Nested(ShippingRequest)
  shipping?: ShippingRequest | null;

  @ApiPropertyOptional({
    type: TaxCertificateRequest,
    description: 'A tax certificate, which joins `taxCertificates`.',
    writeOnly: true,
  })
  @MayBeAbsent()
  @Nested(TaxCertificateRequest)
  taxCertificate?: TaxCertificateRequest;

  @ApiPropertyOptional({
    type: 'object',
    nullable: true,
    additionalProperties: true,
    description:
      'At most 20 pairs; keys of 1 to 40 characters; values are any JSON, strings and compact JSON of at most 500 ' +
      'characters. An update merges key by key, `""` removes a key, `null` clears all. A value of another type than ' +
      'string keeps its type.',
    example: { tier: 'gold', visits: 3 },
  })
  @IsOptional()
  @Opaque()
  @Rule('invalid_metadata_value', 'A metadata value must be JSON of at most 500 characters', goodValues)
  @Rule('invalid_metadata_key', 'A metadata key must have 1 to 40 characters and must not be a reserved word', goodKeys)
  @Rule('too_many_metadata_pairs', 'A customer can hold at most 20 metadata pairs', fewPairs)
  @Rule('invalid_parameter', 'metadata must be an object', isObject)
  metadata?: Metadata | null;
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
  id?: string;
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
  requestToBeForgotten?: boolean;
}
