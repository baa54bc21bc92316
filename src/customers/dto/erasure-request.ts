import { ApiPropertyOptional } from '@nestjs/swagger';
import { ValidateIf } from 'class-validator';
import { Rule } from '../../http/body-fields.js';
import type { JsonObject } from '../../http/json-body.js';
import { integer, type QueryParameters, refuseOperators } from '../../http/query-string.js';
import { readBody } from '../../http/read-body.js';

const CODE = /^[a-z0-9_-]{1,40}$/;
const MOST_LIVES = 999_999_999;

export class EraseCustomerRequest {
  @ApiPropertyOptional({
    type: String,
    pattern: CODE.source,
    description: 'Why. Kept in clear and for good, in the log and on the receipt: never put personal data there.',
    example: 'gdpr_art_17',
  })
  @ValidateIf((_, value: unknown) => value !== undefined)
  @Rule(
    'invalid_parameter',
    'reasonCode must have 1 to 40 characters of a-z 0-9 _ -',
    (value) => typeof value === 'string' && CODE.test(value),
  )
  reasonCode?: string;
}

/** @throws ApiError */
export const readErasure = (body: JsonObject): EraseCustomerRequest => readBody(EraseCustomerRequest, body);

/** @throws ApiError */
export function readLife(query: QueryParameters): number | undefined {
  refuseOperators(query, { life: [] });
  return integer(query, 'life', 1, MOST_LIVES);
}
