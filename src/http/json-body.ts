import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { JsonValue } from '../customers/domain/personal.js';
import { ApiError, ERRORS } from './errors.js';

export type JsonObject = { readonly [key: string]: JsonValue };

/** Deeper than any valid body: a metadata value of 500 characters nests 250 levels at most. */
const MAX_DEPTH = 256;
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

export function readJsonBody({ body, headers }: Pick<FastifyRequest, 'body' | 'headers'>): JsonObject {
  if (!Buffer.isBuffer(body) || body.length === 0) return NO_BODY;
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') throw unsupported();
  if (!isJson(headers['content-type'])) throw unsupported();
  return parseJsonObject(body);
}

function parseJsonObject(bytes: Uint8Array): JsonObject {
  const text = decode(bytes);
  if (nestsTooDeep(text)) throw invalid(`The body nests deeper than ${String(MAX_DEPTH)} levels`);
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('The body must be a JSON object');
  return value as JsonObject;
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid('The body is not valid UTF-8');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(ERRORS.invalid_format.example.message);
  }
}

/** On the text, before it is parsed: whatever walks the value later may then call itself without fear for the stack. */
function nestsTooDeep(text: string): boolean {
  if (text.length <= MAX_DEPTH) return false;
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (quoted) {
      if (char === BACKSLASH) i++;
      else if (char === QUOTE) quoted = false;
    } else if (char === QUOTE) quoted = true;
    else if (char === BRACE || char === BRACKET) {
      if (++depth > MAX_DEPTH) return true;
    } else if (char === BRACE + 2 || char === BRACKET + 2) depth--;
  }
  return false;
}

const [QUOTE, BACKSLASH, BRACE, BRACKET] = [0x22, 0x5c, 0x7b, 0x5b];

/** `application/json`, alone or with the charset UTF-8; other parameters are let pass (RFC 8259 defines none). */
function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined) return false;
  if (contentType === 'application/json') return true;
  const [type, ...parameters] = contentType.toLowerCase().split(';');
  return type?.trim() === 'application/json' && parameters.every(allowsUtf8);
}

function allowsUtf8(parameter: string): boolean {
  const [name, value = ''] = parameter.split('=');
  return name?.trim() !== 'charset' || /^"?utf-?8"?$/.test(value.trim());
}

const unsupported = (): ApiError =>
  ApiError.of('unsupported_media_type', ERRORS.unsupported_media_type.example.message);

const invalid = (message: string): ApiError => ApiError.of('invalid_format', message);
