import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';

/** What describes an operation. */
export type Docs = MethodDecorator & ClassDecorator;

const DESCRIPTIONS: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };

/** The schema of a parameter of text that is refused when it is empty. */
export const SOME_TEXT = { type: 'string', minLength: 1 } as const;

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
