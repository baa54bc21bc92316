import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../access/caller.js';
import type { ServiceLogger } from './service-logger.js';

/**
 * One line a request, written at its end. The route is the template: the address, its values and the query may hold an
 * id that is an address of someone, and are never written. The key is named by its public id, the subject of a token by its keyed hash.
 */
export function logRequests(fastify: FastifyInstance, log: ServiceLogger): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    log.event('info', 'request', lineOf(request, reply));
    done();
  });
}

function lineOf(request: FastifyRequest, reply: FastifyReply): Record<string, unknown> {
  return {
    method: request.method,
    route: request.routeOptions.url ?? null,
    status: reply.statusCode,
    durationMs: Math.round(reply.elapsedTime * 100) / 100,
    requestId: request.id,
    ...namesOf(request.caller),
  };
}

function namesOf(caller: Caller | null): Record<string, string> {
  if (caller === null) return {};
  const { type, id } = caller.actor;
  return type === 'token' ? { tokenSubject: id } : { keyId: id };
}
