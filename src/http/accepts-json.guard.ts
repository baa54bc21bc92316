import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { requiredAccess } from '../access/required-access.js';
import { ApiError } from './errors.js';
import { offersOf, preferredType } from './media-types.js';

/** Refuses who does not want what the route can answer, JSON mostly. Public routes see to themselves. */
@Injectable()
export class AcceptsJsonGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const { accept } = context.switchToHttp().getRequest<FastifyRequest>().headers;
    const offered = offersOf(this.reflector, context);
    if (preferredType(accept, offered) !== undefined || requiredAccess(this.reflector, context) === 'public')
      return true;
    throw ApiError.of('not_acceptable', `Only ${offered.join(' or ')} can be answered`);
  }
}
