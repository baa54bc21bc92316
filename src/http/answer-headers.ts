import type { OutgoingHttpHeaders } from 'node:http';

/** Of every answer, unless its route says otherwise: most hold personal values, which no cache is to keep. */
export const COMMON_HEADERS = { 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' } as const;

/**
 * Swagger UI runs, loads and asks only what this server has; its styles are in the page, its icons are `data:`. No other page
 * can frame it.
 */
const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const DOCS_HEADERS = {
  ...COMMON_HEADERS,
  'Cache-Control': 'no-cache',
  'Content-Security-Policy': DOCS_POLICY,
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

/** Read by tools in browsers wherever they run; it tells nothing that is not public. */
const DOCUMENT_HEADERS = { ...COMMON_HEADERS, 'Cache-Control': 'no-cache', 'Access-Control-Allow-Origin': '*' };

/** @param path of the request, without its query */
export function headersAt(path: string): OutgoingHttpHeaders {
  if (path === DOCUMENT_PATH) return DOCUMENT_HEADERS;
  return path === '/docs' || path.startsWith('/docs/') ? DOCS_HEADERS : COMMON_HEADERS;
}

export const DOCUMENT_PATH = '/openapi.json';
