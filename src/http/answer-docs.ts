import { applyDecorators } from '@nestjs/common';
import { DATE_OR_TIME_PATTERN, DATE_TIME_PATTERN } from './date-time.js';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';

/** What describes an operation. */
export type Docs = MethodDecorator & ClassDecorator;

const DESCRIPTIONS: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };

/** The schema of a parameter of text that is refused when it is empty. */
export const SOME_TEXT = { type: 'string', minLength: 1 } as const;

/** The id of a customer: what is not of this form is no customer's, and refused where one is named. */
export const CUSTOMER_ID = { type: 'string', pattern: '^[A-Za-z0-9._-]{1,40}$' } as const;

/** A cursor of the feed or of the log. */
export const CURSOR_FORM = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,256}$' } as const;

export const DATE_TIME = { type: 'string', pattern: DATE_TIME_PATTERN } as const;
export const DATE_OR_TIME = { type: 'string', pattern: DATE_OR_TIME_PATTERN } as const;

/** A header or parameter of text. */
export const text = (description: string): { description: string; schema: { type: string } } => ({
  description,
  schema: { type: 'string' },
});

export const valued = (examples: Readonly<Record<string, unknown>>): Record<string, { value: unknown }> =>
  Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }]));

/** Describes an answer in JSON, with an example of each kind. */
export const answer = (
  status: number,
  type: new () => object,
  examples: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, ReturnType<typeof text>>> = {},
): Docs =>
  applyDecorators(
    ApiResponse({
      status,
      description: DESCRIPTIONS[status] ?? '',
      headers: { ...headers, 'X-Request-Id': text('The id of the request.') },
      content: { 'application/json': { schema: { $ref: getSchemaPath(type) }, examples: valued(examples) } },
    }),
    ApiExtraModels(type),
  );
