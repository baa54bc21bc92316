import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsDefined, IsOptional } from 'class-validator';
import { Nested, Rule } from '../../http/body-fields.js';
import { isEmailAddress, isText } from '../../http/field-rules.js';

const MAX_TEXT = 500;

/** `null` inside `shipping` means the same as leaving the field out: an update replaces the whole object. */
function OptionalText(description: string, example: string): PropertyDecorator {
  return (target, property) => {
    ApiPropertyOptional({ type: String, maxLength: MAX_TEXT, description, example })(target, property);
    IsOptional()(target, property);
    Rule('invalid_parameter', '$property must be text of at most 500 characters', (value) =>
      isText(value, 0, MAX_TEXT),
    )(target, property);
  };
}

export class AddressRequest {
  @ApiProperty({ type: String, minLength: 1, maxLength: MAX_TEXT, description: 'Country.', example: 'US' })
  @IsDefined()
  @Rule('invalid_parameter', 'country must be text of 1 to 500 characters', (value) => isText(value, 1, MAX_TEXT))
  country: string;

  @OptionalText('First line: street and number.', '1600 Amphitheatre Pkwy')
  line1?: string | null;

  @OptionalText('Second line.', 'Building 40')
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

  @ApiPropertyOptional({ type: String, format: 'email', maxLength: 254, example: 'jane@example.com' })
  @IsOptional()
  @Rule('invalid_parameter', 'email must be an email', isEmailAddress)
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
