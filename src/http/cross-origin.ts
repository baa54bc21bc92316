import type { FastifyReply, FastifyRequest } from 'fastify';
import { DOCUMENT_PATH } from './answer-headers.js';
import type { KnownRoutes } from './known-routes.js';
import { pathOf } from './request-context.js';

const REQUEST_HEADERS =
  'Accept, Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, X-Reason, X-Request-Id, traceparent';
const ANSWER_HEADERS =
  'Allow, ETag, Events-Has-More, Events-Next, Location, Retry-After, WWW-Authenticate, X-Request-Id';
/** Seconds; more than most browsers keep it. */
const MAX_AGE = '7200';

/**
 * Cross-origin requests of browsers (Fetch standard, 3.2), from the origins that were allowed. Not Fastify's plugin: that
 * takes OPTIONS at every address for a preflight, also at those that are not known, and answers all methods alike.
 */
export class CrossOrigin {
  constructor(
    private readonly allowed: readonly string[],
    private readonly routes: KnownRoutes,
  ) {}

  /** @returns whether it was a preflight, which is answered now */
  answer(request: FastifyRequest, reply: FastifyReply): boolean {
    const path = pathOf(request.url);
    if (this.allowed.length === 0 || path === DOCUMENT_PATH) return false;
    reply.header('Vary', 'Origin');
    const { origin } = request.headers;
    if (origin === undefined || !this.allowed.includes(origin)) return false;
    reply.headers({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': ANSWER_HEADERS });
    const methods = this.routes.methodsAt(path);
    const isPreflight = request.method === 'OPTIONS' && 'access-control-request-method' in request.headers;
    if (!isPreflight || methods.length === 0) return false;
    void reply
      .code(204)
      .headers({
        'Access-Control-Allow-Methods': methods.join(', '),
        'Access-Control-Allow-Headers': REQUEST_HEADERS,
        'Access-Control-Max-Age': MAX_AGE,
      })
      .send();
    return true;
  }
}
