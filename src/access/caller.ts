import type { FastifyRequest } from 'fastify';
import type { Actor } from '../event-sourcing/command-context.js';
import type { Scope } from './scopes.js';

/** Who was let in, by an API key or a token, and what for. */
export interface Caller {
  readonly actor: Actor;
  readonly scopes: readonly Scope[];
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard; null before it, and where nobody need say who they are. */
    caller: Caller | null;
  }
}

/** Who asks. @throws Error on a public route, which can't have an actor */
export function actorOf(request: FastifyRequest): Actor {
  if (request.caller === null) throw new Error('The route is public: there is no actor');
  return request.caller.actor;
}
