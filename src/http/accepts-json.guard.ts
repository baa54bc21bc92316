import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { requiredAccess } from '../access/required-access.js';
import { ApiError, ERRORS } from './errors.js';

/** Refuses who does not want JSON, for there is nothing else to be had. Public routes see to themselves. */
@Injectable()
export class AcceptsJsonGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const { accept } = context.switchToHttp().getRequest<FastifyRequest>().headers;
    if (acceptsJson(accept) || requiredAccess(this.reflector, context) === 'public') return true;
    throw ApiError.of('not_acceptable', ERRORS.not_acceptable.example.message);
  }
}

/** RFC 9110, 12.5.1: of the ranges that cover `application/json` the most specific one counts; weight 0 excludes. */
export function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '' || accept === '*/*' || accept === 'application/json') return true;
  const weights = new Map<string, number>();
  for (const part of accept.toLowerCase().split(',')) {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim());
    const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
    weights.set(range, Math.max(weights.get(range) ?? 0, Number(quality) || 0));
  }
  return (weights.get('application/json') ?? weights.get('application/*') ?? weights.get('*/*') ?? 0) > 0;
}
