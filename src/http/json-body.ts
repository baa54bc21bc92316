import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { JsonValue } from '../customers/domain/personal.js';
import { ApiError, ERRORS } from './errors.js';
import { type JsonFault, JsonText, MAX_DEPTH, MAX_VALUES } from './json-text.js';

export type JsonObject = { readonly [key: string]: JsonValue };

const NO_BODY: JsonObject = {};
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/**
 * The request's body as a JSON object; `{}` when there is none, whatever the method and the content type. Parsed here,
 * behind the guards, so that who has no key learns nothing about his body.
 * @throws ApiError unsupported_media_type, invalid_format
 */
export const JsonBody = createParamDecorator((_: undefined, context: ExecutionContext) =>
  readJsonBody(context.switchToHttp().getRequest<FastifyRequest>()),
);

export function readJsonBody({
  body,
  headers,
  method,
}: Pick<FastifyRequest, 'body' | 'headers' | 'method'>): JsonObject {
  if (!Buffer.isBuffer(body) || body.length === 0) return NO_BODY;
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    throw unsupported('The body must not be compressed: Content-Encoding is not supported');
  }
  if (!isJson(headers['content-type'], method)) throw unsupported(ERRORS.unsupported_media_type.example.message);
  return parseJsonObject(body);
}

function parseJsonObject(bytes: Uint8Array): JsonObject {
  const text = decode(bytes);
  // What clients send for nothing: white space, `null` (axios), `[]` (an empty map of PHP).
  if (/^(null|\[[\t\n\r ]*\])?$/.test(text.trim())) return NO_BODY;
  const checked = JsonText.check(text);
  if (checked.kind !== 'sound') throw explained(checked);
  const value: unknown = JSON.parse(checked.text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('The body must be a JSON object');
  if (checked.meaning !== undefined) meanings.set(value, JSON.parse(checked.meaning));
  return value as JsonObject;
}

/** Of bodies with numbers that a double does not hold. */
const meanings = new WeakMap<object, unknown>();

/**
 * What the body says, for telling two of them apart: also by numbers that were lost in reading, in fields that are passed over.
 */
export const meaningOf = (body: object): unknown => meanings.get(body) ?? body;

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid('The body is not valid UTF-8');
  }
}

function explained(fault: JsonFault): ApiError {
  switch (fault.kind) {
    case 'malformed':
      return invalid(`The body is not valid JSON: line ${String(fault.line)}, column ${String(fault.column)}`);
    case 'too_deep':
      return invalid(`The body nests deeper than ${String(MAX_DEPTH)} levels`);
    case 'too_many':
      return invalid(`The body holds more than ${String(MAX_VALUES)} values`);
    case 'repeated_name':
      return ApiError.of('invalid_format', 'The body gives a name twice in one object', fault.field);
    default:
      return fault satisfies never;
  }
}

/**
 * `application/json`, alone or with the charset UTF-8; other parameters are let pass (RFC 8259 defines none). A PATCH
 * merges as RFC 7396 describes, so its media type is taken there too.
 */
function isJson(contentType: string | undefined, method: string): boolean {
  if (contentType === undefined) return false;
  if (contentType === 'application/json') return true;
  const [name, ...parameters] = contentType.toLowerCase().split(';');
  const type = name?.trim();
  const isKnown = type === 'application/json' || (type === 'application/merge-patch+json' && method === 'PATCH');
  return isKnown && parameters.every(allowsUtf8);
}

function allowsUtf8(parameter: string): boolean {
  const [name, value = ''] = parameter.split('=');
  return name?.trim() !== 'charset' || /^"?(utf-?8|us-ascii)"?$/.test(value.trim());
}

const unsupported = (message: string): ApiError => ApiError.of('unsupported_media_type', message);

const invalid = (message: string): ApiError => ApiError.of('invalid_format', message);
