import type { FastifyRequest } from 'fastify';
import type { Actor } from '../event-sourcing/command-context.js';
import type { ApiKey } from './api-keys.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard; null before it, and where none is needed. */
    apiKey: ApiKey | null;
  }
}

/** Who asks. @throws Error on a route that asks for no key, which can't have an actor */
export function actorOf(request: FastifyRequest): Actor {
  if (request.apiKey === null) throw new Error('The route is public: there is no actor');
  return { type: 'api_key', id: request.apiKey.id };
}
