import { ApiProperty } from '@nestjs/swagger';
import { IsDefined } from 'class-validator';
import { Rule } from '../../http/body-fields.js';
import { DATE_OR_TIME_PATTERN, DATE_OR_TIME_RULE } from '../../http/date-time.js';
import { isText, timeOf } from '../../http/field-rules.js';
import { TEXT_PATTERNS } from '../../http/free-text.js';
import { FreeText } from '../../http/new-values.js';

const MAX_TEXT = 500;

function RequiredText(description: string, example: string): PropertyDecorator {
  return (target, property) => {
    const pattern = TEXT_PATTERNS.line;
    ApiProperty({ type: String, minLength: 1, maxLength: MAX_TEXT, pattern, description, example })(target, property);
    FreeText('line')(target, property);
    IsDefined()(target, property);
    Rule('invalid_parameter', '$property must be text of 1 to 500 characters', (value) => isText(value, 1, MAX_TEXT))(
      target,
      property,
    );
  };
}

function RequiredDate(description: string, example: string): PropertyDecorator {
  return (target, property) => {
    ApiProperty({
      type: String,
      pattern: DATE_OR_TIME_PATTERN,
      description: `${description} A date or a date-time, as \`2026-01-01\` or \`2026-01-01T00:00:00Z\`; shown as it was sent.`,
      example,
    })(target, property);
    IsDefined()(target, property);
  };
}

const isDate = (value: unknown): boolean => timeOf(value) !== undefined;

/** Of two dates that are no dates one fault each is enough. */
function isNotBeforeStart(value: unknown, certificate: object): boolean {
  const start = timeOf((certificate as TaxCertificateRequest).startDate);
  const end = timeOf(value);
  return end !== undefined && (start === undefined || end >= start);
}

export class TaxCertificateRequest {
  @RequiredText('Company the certificate was issued to.', 'Example Inc.')
  companyName: string;

  @RequiredText('Authority that issued it.', 'California')
  taxAuthority: string;

  @RequiredDate('First day of validity.', '2026-01-01')
  @Rule('invalid_parameter', `startDate ${DATE_OR_TIME_RULE}`, isDate)
  startDate: string;

  @RequiredDate('Last day of validity, not before the first.', '2028-12-31')
  @Rule('invalid_parameter', `endDate ${DATE_OR_TIME_RULE}, not before startDate`, isNotBeforeStart)
  endDate: string;

  @RequiredText('Identifier of the uploaded file.', '9f2a7c1e-5e1b-4a51-9d66-2b7d7f3c0a11')
  fileId: string;
}
