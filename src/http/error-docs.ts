import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiProperty, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { ERROR_TYPES, type ErrorCode, ERRORS, type ErrorStatus } from './errors.js';

export class FaultResponse {
  @ApiProperty({ enum: Object.keys(ERRORS), enumName: 'ErrorCode', description: 'Stable: act on this.' })
  code: ErrorCode;

  @ApiProperty({ type: String, required: false, description: 'Dotted path of the parameter at fault, or a header.' })
  parameter?: string;

  @ApiProperty({ type: String, description: 'For people; may change.' })
  message: string;
}

export class ErrorResponse {
  @ApiProperty({ enum: Object.values(ERROR_TYPES), enumName: 'ErrorType' })
  type: (typeof ERROR_TYPES)[ErrorStatus];

  @ApiProperty({ type: [FaultResponse], description: 'All faults of a body at once, 100 at most.' })
  errors: FaultResponse[];
}

/** What any operation can answer. */
const ALWAYS: readonly ErrorCode[] = [
  'invalid_format',
  'unauthorized',
  'forbidden',
  'not_acceptable',
  'request_timeout',
  'too_many_requests',
  'log_altered',
  'internal_server_error',
  'service_unavailable',
];

/** What any operation can answer that takes a body. */
export const BODY_ERRORS: readonly ErrorCode[] = ['unknown_parameter', 'payload_too_large', 'unsupported_media_type'];

const DESCRIPTIONS: Partial<Record<ErrorStatus, string>> = {
  401: 'No key, or not a valid one. Comes with `WWW-Authenticate: Bearer`.',
  405: 'Comes with `Allow`.',
  429: 'Comes with `Retry-After` in seconds.',
  503: 'Comes with `Retry-After` in seconds.',
};

/** Documents the codes an operation can answer besides the usual ones, each with an example. */
export function Errors(...codes: readonly ErrorCode[]): MethodDecorator & ClassDecorator {
  const all = [...ALWAYS, ...codes];
  const statuses = [...new Set(all.map((code) => ERRORS[code].status))].sort((a, b) => a - b);
  return applyDecorators(
    ApiExtraModels(ErrorResponse),
    ...statuses.map((status) =>
      ErrorOf(
        status,
        all.filter((code) => ERRORS[code].status === status),
      ),
    ),
  );
}

function ErrorOf(status: ErrorStatus, codes: readonly ErrorCode[]): MethodDecorator & ClassDecorator {
  return ApiResponse({
    status,
    description: DESCRIPTIONS[status] ?? codes.join(', '),
    content: {
      'application/json': {
        schema: { $ref: getSchemaPath(ErrorResponse) },
        examples: Object.fromEntries(
          codes.map((code) => [
            code,
            { value: { type: ERROR_TYPES[status], errors: [{ code, ...ERRORS[code].example }] } },
          ]),
        ),
      },
    },
  });
}
