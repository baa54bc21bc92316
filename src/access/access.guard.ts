import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { unauthorized } from '../http/error-answers.js';
import { ApiError } from '../http/errors.js';
import { Authentication } from './authentication.js';
import type { Caller } from './caller.js';
import { RateLimit } from './rate-limit.js';
import { requiredAccess } from './required-access.js';

/** Lets a request through when its key or token is good and has the scope its route declares. No scope implies another. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly authentication: Authentication,
    private readonly rateLimit: RateLimit,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const required = requiredAccess(this.reflector, context);
    if (required === 'public') return true;
    const { actor, scopes } = await this.admit(context.switchToHttp().getRequest<FastifyRequest>());
    if (required === undefined) throw ApiError.of('forbidden', 'The route declares no scope');
    if (!scopes.includes(required)) {
      const holder = actor.type === 'api_key' ? 'API key' : 'token';
      throw ApiError.of('forbidden', `The ${holder} lacks the scope ${required}`);
    }
    return true;
  }

  /**
   * Who is refused is counted by address, and only then: whoever floods from an address (a proxy's, it may be) can't
   * keep the good keys behind it out.
   */
  private async admit(request: FastifyRequest): Promise<Caller> {
    const caller = await this.authentication.callerOf(request.headers.authorization);
    request.caller = caller ?? null;
    await this.rateLimit.count(caller === undefined ? `address:${request.ip}` : principalOf(caller));
    if (caller === undefined) throw unauthorized();
    return caller;
  }
}

const principalOf = ({ actor }: Caller): string => `${actor.type}:${actor.id}`;
