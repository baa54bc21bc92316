import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiParam, ApiQuery, type ApiQueryOptions } from '@nestjs/swagger';
import { SOURCE_ID } from './examples.js';
import { CUSTOMER_ID, DATE_TIME, type Docs, SOME_TEXT } from '../../http/answer-docs.js';
import { REASON_FORM } from '../../http/change-reasons.js';

export const customerId = (): Docs =>
  applyDecorators(
    ApiParam({ name: 'id', schema: { type: 'string' }, description: 'Customer ID', example: '5823594808' }),
  );

export const sourceId = (): Docs =>
  applyDecorators(
    ApiParam({
      name: 'sourceId',
      schema: { type: 'string', format: 'uuid' },
      description: 'Source ID',
      example: SOURCE_ID,
    }),
  );

export const idempotencyKey = (): Docs =>
  applyDecorators(
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      description: 'Makes repeating the request safe. The same key with another body is refused.',
      schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]([ -~]*[!-~])?$' },
    }),
  );

const TAG = '(W/)?"[!#-+.-~-]*"';

export const ifMatch = (): Docs =>
  applyDecorators(
    ApiHeader({
      name: 'If-Match',
      required: false,
      description:
        'Entity tags, or `*`: the change is made only if the customer stands at one of these versions. A weak tag matches ' +
        'none: docs/proxies.md says which proxies make them.',
      schema: { type: 'string', pattern: `^([*]|${TAG}([ \\t]*,[ \\t]*${TAG})*)$` },
    }),
  );

export const reason = (): Docs =>
  applyDecorators(
    ApiHeader({
      name: 'X-Reason',
      required: false,
      description:
        'Why, for the audit: `<code>` or `<code>; <text>`. The code matches `[a-z0-9_-]{1,40}` and is kept in clear, never ' +
        'put personal data there; the text, at most 500 characters of percent-encoded UTF-8, is kept sealed until the ' +
        'customer is erased. Of a request that ends a customer the code alone is kept.',
      schema: { type: 'string', pattern: REASON_FORM.source },
      example: 'support_call; Asked by phone',
    }),
  );

const timeParameter = (name: string): ApiQueryOptions => ({
  name,
  style: 'deepObject',
  explode: true,
  description:
    `\`${name}[gte]=2026-01-01T00:00:00Z\`; a bare \`${name}=…\` means eq. RFC 3339, also without seconds and with an offset ` +
    'such as `+0200`; a bare `+` is a plus.',
  schema: {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(['eq', 'gt', 'gte', 'lt', 'lte'].map((op) => [op, DATE_TIME])),
  },
});

const LIST_PARAMETERS: readonly ApiQueryOptions[] = [
  {
    name: 'limit',
    schema: { type: 'integer', minimum: 1, maximum: 100, default: 10 },
    description: 'How many at most.',
  },
  {
    name: 'startingAfter',
    schema: CUSTOMER_ID,
    description: 'An id: the page after it. It may be deleted by now.',
  },
  {
    name: 'endingBefore',
    schema: CUSTOMER_ID,
    description: 'An id: the page just before it. Wins over startingAfter.',
  },
  {
    name: 'email',
    schema: SOME_TEXT,
    description:
      'Only customers with this email, without regard to case (Unicode, one character for one: `ß` is not `ss`). A bare `+` ' +
      'and `%2B` are a plus, `%20` is a space.',
  },
  {
    name: 'ids',
    schema: { type: 'array', minItems: 1, maxItems: 100, items: SOME_TEXT },
    style: 'form',
    explode: false,
    description:
      'Only customers with these ids. `ids=a,b`, `ids=a&ids=b` and `ids[]=a&ids[]=b` are taken, spaces round a comma passed ' +
      'over. An id that no customer can have is not there.',
  },
  {
    name: 'requestToBeForgotten',
    schema: { type: 'boolean' },
    description:
      'Only customers that asked, or did not ask, to be forgotten: true, false (True and False, too), 1 or 0.',
  },
  timeParameter('createdTime'),
  timeParameter('updatedTime'),
];

export const listParameters = (): Docs =>
  applyDecorators(...LIST_PARAMETERS.map((parameter) => ApiQuery({ required: false, ...parameter })));
