import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  NotFoundException,
  ServiceUnavailableException,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RepeatedFailure } from '../event-sourcing/repeated-failure.js';
import { answerFor } from './error-answers.js';
import { ApiError, fault } from './errors.js';
import type { KnownRoutes } from './known-routes.js';
import { pathOf } from './request-context.js';
import { describeError, type LogFields, type ServiceLogger } from './service-logger.js';

/** No request failed in this way for so long: it is over. */
const QUIET_MS = 60_000;

/** The one place where errors become answers (contract, section 3). */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly failing: RepeatedFailure;

  constructor(
    private readonly routes: KnownRoutes,
    log: ServiceLogger,
  ) {
    this.failing = new RepeatedFailure({
      log: {
        warn: (message, fields) => log.event('warn', message, fields),
        error: (message, fields) => log.event('error', message, fields),
      },
      what: 'request failed',
      quietMs: QUIET_MS,
    });
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const report = healthReportOf(error);
    if (report !== undefined) {
      void reply.code(503).send(report);
      return;
    }
    const answer = this.wrongMethod(error, request) ?? answerFor(error);
    if (answer.status >= 500) this.report(error, answer, request);
    if (reply.sent) return;
    reply.code(answer.status).headers(answer.headers).type('application/json; charset=utf-8').send(answer.body);
  }

  private wrongMethod(error: unknown, request: FastifyRequest): ApiError | undefined {
    if (!(error instanceof NotFoundException) || !request.is404) return undefined;
    const methods = this.routes.methodsAt(pathOf(request.url));
    if (methods.length === 0 || methods.includes(request.method)) return undefined;
    const allowed = methods.join(', ');
    const hint = WRITING.has(request.method) ? updateHint(methods) : '';
    return new ApiError([fault('method_not_allowed', `Allowed here: ${allowed}${hint}`)], { Allow: allowed });
  }

  /** An outage fails every request in the same way; a fault of ours is one of its own at each place it is thrown. */
  private report(error: unknown, answer: ApiError, request: FastifyRequest): void {
    const description = describeError(error);
    const details = {
      requestId: request.id,
      route: request.routeOptions.url ?? null,
      code: answer.faults[0].code,
      error: description,
    };
    this.failing.failed(error, details, answer.status === 500 ? originOf(description) : '');
  }
}

const originOf = ({ stack }: LogFields): string =>
  Array.isArray(stack) && typeof stack[0] === 'string' ? stack[0] : '';

const WRITING: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** For an address that is read, changed and removed: with what it is changed. */
function updateHint(methods: readonly string[]): string {
  const update = ['POST', 'PATCH'].find((method) => methods.includes(method));
  return update !== undefined && methods.includes('GET') && methods.includes('DELETE') ? `; update with ${update}` : '';
}

/** Terminus throws its report when a check fails. It is for those who run the service and keeps its own shape. */
function healthReportOf(error: unknown): object | undefined {
  if (!(error instanceof ServiceUnavailableException)) return undefined;
  const report = error.getResponse();
  return typeof report === 'object' && 'details' in report ? report : undefined;
}
