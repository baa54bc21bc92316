import type { IncomingHttpHeaders } from 'node:http';
import type { ChangeReason } from '../event-sourcing/command-context.js';
import { ApiError } from './errors.js';
import { isLonger } from './field-rules.js';
import { isFree, notFree } from './free-text.js';

/** A short token of letters that could not hold an address, for it is stored in clear. */
export const REASON_FORM = /^([a-z0-9_-]{1,40})(?:[ \t]*;[ \t]*([\x20-\x7e]+))?$/;
const MAX_TEXT = 500;

/**
 * `X-Reason: <code>` or `<code>; <text>`, where the text is percent-encoded UTF-8 (RFC 3986, 2.1): what is ASCII may
 * stand as it is, but for `%`.
 * @throws ApiError invalid_parameter
 */
export function changeReasonOf(headers: IncomingHttpHeaders): ChangeReason | undefined {
  const given = headers['x-reason']?.toString();
  if (given === undefined) return undefined;
  const [, code, encoded] = REASON_FORM.exec(given.trim()) ?? [];
  if (code === undefined) throw invalid('X-Reason must be a code of a-z, 0-9, _ and -, or a code, ";" and a text');
  const text = encoded === undefined ? undefined : decoded(encoded);
  if (text === undefined) return { code };
  if (!isFree('text', text)) throw invalid(`The text in X-Reason ${notFree('text')}`);
  if (isLonger(text, MAX_TEXT)) throw invalid(`The text in X-Reason must have at most ${MAX_TEXT} characters`);
  return { code, text };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('The text in X-Reason must be percent-encoded UTF-8');
  }
}

const invalid = (message: string): ApiError => ApiError.of('invalid_parameter', message, 'X-Reason');
