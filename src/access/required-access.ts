import { type CustomDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import { isScope, type Scope } from './scopes.js';

const ACCESS = 'access';
const PUBLIC = 'public';

/** The scope a key must have for this route. Every route declares one, or is public. */
export const RequiresScope = (scope: Scope): CustomDecorator => SetMetadata(ACCESS, scope);

/** Anyone may use this route, and it may answer in other formats than JSON. */
export const Public = (): CustomDecorator => SetMetadata(ACCESS, PUBLIC);

/** @returns undefined for a route that declares nothing, which nobody may use */
export function requiredAccess(reflector: Reflector, context: ExecutionContext): Scope | 'public' | undefined {
  const declared = reflector.getAllAndOverride<unknown>(ACCESS, [context.getHandler(), context.getClass()]);
  if (declared === PUBLIC) return PUBLIC;
  return typeof declared === 'string' && isScope(declared) ? declared : undefined;
}
