import { timingSafeEqual } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Clock } from '../event-sourcing/clock.js';
import { unauthorized } from '../http/error-answers.js';
import { ApiError } from '../http/errors.js';
import { ApiKeyCache } from './api-key-cache.js';
import type { ApiKey } from './api-keys.js';
import { requiredAccess } from './required-access.js';
import { hashOf } from './secrets.js';

/** Lets a request through when its key is good and has the scope its route declares. No scope implies another. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(
    private readonly keys: ApiKeyCache,
    private readonly clock: Clock,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const required = requiredAccess(this.reflector, context);
    if (required === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const key = await this.keyOf(request.headers.authorization);
    request.apiKey = key;
    if (required === undefined) throw ApiError.of('forbidden', 'The route declares no scope');
    if (!key.scopes.includes(required)) throw ApiError.of('forbidden', `The API key lacks the scope ${required}`);
    return true;
  }

  /** One answer for a missing, unknown, revoked and expired key: none tells an attacker more than another. */
  private async keyOf(authorization: string | undefined): Promise<ApiKey> {
    const secret = bearerToken(authorization);
    if (secret === undefined) throw unauthorized();
    const secretHash = hashOf(secret);
    const key = await this.keys.findByHash(secretHash);
    if (key === undefined || !sameHash(key.secretHash, secretHash)) throw unauthorized();
    if (key.revokedAt !== undefined || (key.expiresAt ?? Infinity) <= this.clock.now()) throw unauthorized();
    return key;
  }
}

/** RFC 6750, 2.1; the scheme's name is not case-sensitive (RFC 9110, 11.1). */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization ?? '')?.[1];
}

function sameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
