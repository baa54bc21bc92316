import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsDefined, IsOptional } from 'class-validator';
import { Nested, Rule } from '../../http/body-fields.js';
import { isStorableEmail, isText } from '../../http/field-rules.js';
import { TEXT_PATTERNS, type TextKind } from '../../http/free-text.js';
import { ForNewValues, FreeText } from '../../http/new-values.js';
import { EMAIL_PATTERN, EMAIL_RULE, newEmail } from './email-address.js';

const MAX_TEXT = 500;

/** `null` inside `shipping` means the same as leaving the field out: an update replaces the whole object. */
function OptionalText(description: string, example: string, kind: TextKind = 'line'): PropertyDecorator {
  return (target, property) => {
    const pattern = TEXT_PATTERNS[kind];
    ApiPropertyOptional({ type: String, maxLength: MAX_TEXT, pattern, description, example })(target, property);
    FreeText(kind)(target, property);
    IsOptional()(target, property);
    Rule('invalid_parameter', '$property must be text of at most 500 characters', (value) =>
      isText(value, 0, MAX_TEXT),
    )(target, property);
  };
}

export class AddressRequest {
  @ApiProperty({
    type: String,
    minLength: 1,
    maxLength: MAX_TEXT,
    pattern: TEXT_PATTERNS.line,
    description: 'Country.',
    example: 'US',
  })
  @IsDefined()
  @FreeText('line')
  @Rule('invalid_parameter', 'country must be text of 1 to 500 characters', (value) => isText(value, 1, MAX_TEXT))
  country: string;

  @OptionalText('First line: street and number.', '1600 Amphitheatre Pkwy', 'text')
  line1?: string | null;

  @OptionalText('Second line.', 'Building 40', 'text')
  line2?: string | null;

  @OptionalText('City.', 'Mountain View')
  city?: string | null;

  @OptionalText('Postal code.', '94043')
  postalCode?: string | null;

  @OptionalText('State, county, province or region.', 'CA')
  state?: string | null;
}

export class AdditionalAddressInfoRequest {
  @OptionalText('Neighborhood.', 'Shoreline')
  neighborhood?: string | null;

  @OptionalText('Division.', 'Receiving')
  division?: string | null;

  @OptionalText('Name as it is spoken.', 'jeyn doh')
  phoneticName?: string | null;
}

export class ShippingRequest {
  @OptionalText('Name of who receives.', 'Jane Doe')
  name?: string | null;

  @OptionalText('Phone number.', '+1 650 555 0100')
  phone?: string | null;

  @ApiPropertyOptional({
    type: String,
    format: 'email',
    maxLength: 254,
    pattern: EMAIL_PATTERN,
    description: 'By the rules of the customer email address.',
    example: 'jane@example.com',
  })
  @IsOptional()
  @Rule('invalid_parameter', `email ${EMAIL_RULE}`, isStorableEmail)
  @ForNewValues(newEmail)
  email?: string | null;

  @OptionalText('Organization.', 'Example Inc.')
  organization?: string | null;

  @ApiPropertyOptional({ type: AddressRequest })
  @IsOptional()
  @Nested(AddressRequest)
  address?: AddressRequest | null;

  @ApiPropertyOptional({ type: AdditionalAddressInfoRequest })
  @IsOptional()
  @Nested(AdditionalAddressInfoRequest)
  additionalAddressInfo?: AdditionalAddressInfoRequest | null;
}
