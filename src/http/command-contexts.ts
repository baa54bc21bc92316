import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { actorOf } from '../access/caller.js';
import { Clock } from '../event-sourcing/clock.js';
import type { CommandContext } from '../event-sourcing/command-context.js';
import { changeReasonOf } from './change-reasons.js';
import { parseIfMatch } from './entity-tags.js';
import { CommandIds } from './idempotency.js';
import { traceparentOf } from './request-context.js';

/** What read, append and a second look may take together before the caller is told that the outcome is unknown. */
const BUDGET_MS = 4000;

/** What a command brings along besides its content, read from the request that asks for it. */
@Injectable()
export class CommandContexts {
  constructor(
    private readonly clock: Clock,
    private readonly commandIds: CommandIds,
  ) {}

  /** `Idempotency-Key` counts on POST only, for the other methods are idempotent by themselves. @throws ApiError */
  of(request: FastifyRequest, body: object): CommandContext {
    const { headers, params, method } = request;
    const actor = actorOf(request);
    const route = `${method} ${request.routeOptions.url ?? ''}`;
    const traceparent = traceparentOf(headers);
    const reason = changeReasonOf(headers);
    const ifMatch = parseIfMatch(headers['if-match']);
    const key = method === 'POST' ? headers['idempotency-key'] : undefined;
    const idempotency = this.commandIds.idempotencyOf(key?.toString(), { actor, route, params, body });
    return {
      actor,
      requestId: request.id,
      deadline: this.clock.now() + BUDGET_MS,
      ...(traceparent !== undefined && { traceparent }),
      ...(reason !== undefined && { reason }),
      ...(ifMatch !== undefined && { ifMatch }),
      ...(idempotency !== undefined && { idempotency }),
    };
  }
}
