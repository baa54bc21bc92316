import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  NotFoundException,
  ServiceUnavailableException,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerFor } from './error-answers.js';
import { ApiError, fault } from './errors.js';
import type { KnownRoutes } from './known-routes.js';
import { pathOf } from './request-context.js';
import { describeError, type ServiceLogger } from './service-logger.js';

/** The one place where errors become answers (contract, section 3). */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(
    private readonly routes: KnownRoutes,
    private readonly log: ServiceLogger,
  ) {}

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

  private report(error: unknown, answer: ApiError, request: FastifyRequest): void {
    this.log.event(answer.status === 500 ? 'error' : 'warn', 'request failed', {
      requestId: request.id,
      route: request.routeOptions.url ?? null,
      code: answer.faults[0].code,
      error: describeError(error),
    });
  }
}

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
