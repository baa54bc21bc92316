import { type CustomDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';

export type MediaTypes = readonly [string, ...string[]];

const OFFERS = 'offers';
const JSON_ALONE: MediaTypes = ['application/json'];

/** The media types this route can answer, the usual one first; JSON alone where a route declares none. Errors are JSON always. */
export const Offers = (...types: MediaTypes): CustomDecorator => SetMetadata(OFFERS, types);

export const offersOf = (reflector: Reflector, context: ExecutionContext): MediaTypes =>
  reflector.getAllAndOverride<MediaTypes | undefined>(OFFERS, [context.getHandler(), context.getClass()]) ?? JSON_ALONE;

/**
 * RFC 9110, 12.5.1: of the ranges that cover a type the most specific one counts; weight 0 excludes.
 * @returns of the offered ones the one with the greatest weight, the first of equals; undefined when none is wanted
 */
export function preferredType(accept: string | undefined, offered: MediaTypes): string | undefined {
  const [usual] = offered;
  if (accept === undefined || accept.trim() === '' || accept === '*/*' || accept === usual) return usual;
  const weights = weightsIn(accept);
  const weightOf = (type: string): number =>
    weights.get(type) ?? weights.get(`${type.split('/', 1)[0] ?? ''}/*`) ?? weights.get('*/*') ?? 0;
  const best = Math.max(...offered.map(weightOf));
  return best > 0 ? offered.find((type) => weightOf(type) === best) : undefined;
}

function weightsIn(accept: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const part of accept.toLowerCase().split(',')) {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim());
    const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
    weights.set(range, Math.max(weights.get(range) ?? 0, Number(quality) || 0));
  }
  return weights;
}
