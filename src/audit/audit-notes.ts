import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { actorOf } from '../access/caller.js';
import type { JsonObject } from '../event-sourcing/event-store.js';
import { traceparentOf } from '../http/request-context.js';
import { AuditTrail } from './audit-trail.js';

/** Writes down each use of an audit route, before anything is shown. */
@Injectable()
export class AuditNotes {
  constructor(private readonly trail: AuditTrail) {}

  /** @throws StoreUnavailable: then nothing must be shown */
  async note(
    request: FastifyRequest,
    reply: FastifyReply,
    { customerId, details }: { readonly customerId?: string | undefined; readonly details?: JsonObject } = {},
  ): Promise<void> {
    reply.header('Cache-Control', 'no-store');
    const traceparent = traceparentOf(request.headers);
    await this.trail.record({
      actor: actorOf(request),
      action: `${request.method} ${request.routeOptions.url ?? ''}`,
      requestId: request.id,
      ...(traceparent !== undefined && { traceparent }),
      ...(customerId !== undefined && { customerId }),
      details: { ...details, personal: seesPersonal(request) },
    });
  }
}

export const seesPersonal = ({ caller }: FastifyRequest): boolean => caller?.scopes.includes('audit:read.pii') ?? false;
