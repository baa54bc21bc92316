import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.js';
import { COMMON_HEADERS, headersAt } from './answer-headers.js';
import { answerBrokenRequest, answerConnect } from './broken-requests.js';
import { CrossOrigin } from './cross-origin.js';
import { answerFor } from './error-answers.js';
import { ApiError } from './errors.js';
import { ErrorFilter } from './error-filter.js';
import { KnownRoutes } from './known-routes.js';
import { serveDocs } from './openapi.js';
import { rawQueryString } from './query-string.js';
import { pathOf, requestIdOf } from './request-context.js';
import { logRequests } from './request-log.js';
import { repeatedHeader } from './single-headers.js';
import type { ServiceLogger } from './service-logger.js';

/** Longer than any address Node lets through (16 KiB of head), so that the router never refuses one for its length. */
const MAX_PARAM_LENGTH = 32 * 1024;

export interface Timeouts {
  /** For the whole request, its body included, in milliseconds. */
  readonly request: number;
  /** How often it is looked at. */
  readonly check: number;
}

const TIMEOUTS: Timeouts = { request: 20_000, check: 1000 };

/** Fastify with every option the contract asks for. @param timeouts shorter ones are for tests */
export function createHttpAdapter(
  { bodyLimit }: Pick<Config, 'bodyLimit'>,
  timeouts: Timeouts = TIMEOUTS,
): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit,
    genReqId: ({ headers }: Pick<IncomingMessage, 'headers'>) => requestIdOf(headers),
    rewriteUrl: ({ url }: { readonly url?: string | undefined }) => escapeStrayPercents(url ?? '/'),
    routerOptions: {
      ignoreTrailingSlash: true,
      maxParamLength: MAX_PARAM_LENGTH,
      querystringParser: rawQueryString,
    },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      const answer = answerFor(error);
      void reply
        .code(answer.status)
        .headers({ ...COMMON_HEADERS, ...answer.headers, 'X-Request-Id': request.id })
        .send(answer.body);
    },
    clientErrorHandler: answerBrokenRequest,
    // A request on a connection that is being closed is answered like any other, not in a shape of Fastify's own.
    return503OnClosing: false,
    requestTimeout: timeouts.request,
    http: { headersTimeout: timeouts.request, connectionsCheckingInterval: timeouts.check, requireHostHeader: false },
  });
  const fastify: FastifyInstance = adapter.getInstance();
  // Fastify knows QUERY by itself and looks at its body first; no address here has it.
  fastify.addHttpMethod('QUERY', { overrideExisting: true });
  // Bodies stay bytes until the guards have let the request pass: see JsonBody.
  fastify.removeAllContentTypeParsers();
  adapter.useBodyParser('*', false, { bodyLimit });
  return adapter;
}

/** Hooks, filters and documents. Call it once, before the app is initialised. */
export function configureApp(
  app: NestFastifyApplication,
  log: ServiceLogger,
  { allowedOrigins = [] }: Partial<Pick<Config, 'allowedOrigins'>> = {},
): void {
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  const routes = new KnownRoutes();
  routes.watch(fastify);
  const crossOrigin = new CrossOrigin(allowedOrigins, routes);
  fastify.decorateRequest('caller', null);
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('X-Request-Id', request.id).headers(headersAt(pathOf(request.url)));
    const refusal = hasHost(request.raw) ? repeatedHeader(request.raw.rawHeaders) : missingHost();
    if (refusal !== undefined) done(refusal);
    else if (!crossOrigin.answer(request, reply)) done();
  });
  logRequests(fastify, log);
  ignoreExpectations(fastify);
  fastify.server.on('connect', answerConnect);
  app.useGlobalFilters(new ErrorFilter(routes, log));
  serveDocs(app);
}

/** An address that can't be decoded names nothing, which is found out with its text as it is, not refused as malformed. */
function escapeStrayPercents(url: string): string {
  if (!url.includes('%')) return url;
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  try {
    decodeURIComponent(path);
    return url;
  } catch {
    return path.replaceAll('%', '%25') + url.slice(path.length);
  }
}

const missingHost = (): ApiError => ApiError.of('invalid_format', 'The Host header is missing');

/** RFC 9112, 3.2. Node would answer by itself, without a body. */
const hasHost = ({ httpVersion, headers }: IncomingMessage): boolean =>
  headers.host !== undefined || httpVersion === '1.0';

/** Node answers 417 without a body to any `Expect` but `100-continue`; RFC 9110, 10.1.1 allows to pass over them. */
function ignoreExpectations({ server }: FastifyInstance): void {
  server.on('checkExpectation', (request: IncomingMessage, response) => server.emit('request', request, response));
}
