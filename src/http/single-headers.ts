import { ApiError } from './errors.js';

/**
 * Headers that stand once (RFC 9110, 5.3): of two lines Node takes the first, or joins them, so that a proxy in front and the
 * service could see different requests. By their names in lower case.
 */
const SINGLE: ReadonlyMap<string, string> = new Map(
  ['Authorization', 'Content-Type', 'Host', 'Idempotency-Key', 'Last-Event-ID', 'Origin', 'X-Reason'].map((name) => [
    name.toLowerCase(),
    name,
  ]),
);

/** @returns a refusal of the first header that stands twice, be its lines equal or not */
export function repeatedHeader(rawHeaders: readonly string[]): ApiError | undefined {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = SINGLE.get(rawHeaders[at]?.toLowerCase() ?? '');
    if (name === undefined) continue;
    if (seen.has(name)) return ApiError.of('invalid_parameter', `${name} can be sent once only`, name);
    seen.add(name);
  }
  return undefined;
}
