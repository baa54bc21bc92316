import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiError } from './errors.js';

/** Every value given for each key, in the order given. Keys are taken flat: brackets mean nothing here. */
export type QueryParameters = ReadonlyMap<string, readonly string[]>;

const NONE: QueryParameters = new Map();

/** The query as Fastify is to keep it: unparsed, since most routes never look at it. */
export const rawQueryString = (text: string): Record<string, unknown> => ({ text });

/** The parameters of the request's query, flat. */
export const FlatQuery = createParamDecorator((_: undefined, context: ExecutionContext): QueryParameters => {
  const query: unknown = context.switchToHttp().getRequest<FastifyRequest>().query;
  const raw = typeof query === 'object' && query !== null && 'text' in query ? query.text : undefined;
  return typeof raw === 'string' ? parseQueryString(raw) : NONE;
});

/** Addresses and the offsets of times are often sent with a bare `+`, which would be a space in a form. */
const WITH_BARE_PLUS = /^(email|createdTime|updatedTime|asOf|from|to)(%5B|\[|=)/i;

/**
 * Never fails: what is badly encoded stays as it is. A bare `+` stands for itself in addresses and times, and for a space,
 * as forms encode it, everywhere else; `%2B` is a plus and `%20` a space in all of them.
 */
export function parseQueryString(text: string): QueryParameters {
  if (text === '') return NONE;
  const parameters = new Map<string, string[]>();
  const pairs = text.split('&').map((pair) => (WITH_BARE_PLUS.test(pair) ? pair.replaceAll('+', '%2B') : pair));
  for (const [key, value] of new URLSearchParams(pairs.join('&'))) {
    const values = parameters.get(key);
    if (values === undefined) parameters.set(key, [value]);
    else values.push(value);
  }
  return parameters;
}

export const invalidQuery = (parameter: string, message: string): ApiError =>
  ApiError.of('invalid_parameter', message, parameter);

/** @throws ApiError when it is given more than once, or empty */
export function singleValue(parameters: QueryParameters, name: string, key = name): string | undefined {
  const values = parameters.get(key);
  if (values === undefined) return undefined;
  const [value] = values;
  if (values.length > 1) throw invalidQuery(name, `${name} can be given once only`);
  if (value === undefined || value === '') throw invalidQuery(name, `${name} must not be empty`);
  return value;
}

/** @throws ApiError unless it is an integer from `min` to `max` */
export function integer(parameters: QueryParameters, name: string, min: number, max: number): number | undefined {
  const text = singleValue(parameters, name);
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw invalidQuery(name, `${name} must be an integer from ${String(min)} to ${String(max)}`);
}

/** Python writes `True` and `False`. @throws ApiError unless it is one of these, `true`, `false`, `1` or `0` */
export function flag(parameters: QueryParameters, name: string): boolean | undefined {
  const text = singleValue(parameters, name);
  if (text === undefined) return undefined;
  if (/^([Tt]rue|1)$/.test(text)) return true;
  if (/^([Ff]alse|0)$/.test(text)) return false;
  throw invalidQuery(name, `${name} must be true, false, 1 or 0`);
}

/** `name`, `name[]` or `name[0]`. */
const isElement = (key: string, name: string): boolean =>
  key === name || (key.startsWith(name) && /^\[\d{0,3}\]$/.test(key.slice(name.length)));

/**
 * `name=a,b`, `name` repeated, `name[]=a` and `name[0]=a`, in any mixture. Each value once, without the spaces round it.
 * @throws ApiError for none at all, and for more than `max`
 */
export function list(parameters: QueryParameters, name: string, max: number): readonly string[] | undefined {
  const given = [...parameters].filter(([key]) => isElement(key, name));
  if (given.length === 0) return undefined;
  const values = new Set(
    given.flatMap(([, texts]) => texts.flatMap((text) => text.split(',').map((part) => part.trim()))),
  );
  values.delete('');
  if (values.size === 0) throw invalidQuery(name, `${name} must not be empty`);
  if (values.size > max) throw invalidQuery(name, `${name} can hold at most ${String(max)} values`);
  return [...values];
}

/**
 * A known parameter with an operator it does not have (`email[$ne]`) is a mistake or an attack, never an unknown
 * parameter to be passed over: the filter would silently be missing.
 * @throws ApiError naming the parameter, not the operator, which is the caller's text
 */
export function refuseOperators(
  parameters: QueryParameters,
  known: Readonly<Record<string, readonly string[] | 'list'>>,
): void {
  for (const key of parameters.keys()) {
    const open = key.search(/[[.]/);
    const name = key.slice(0, Math.max(open, 0));
    if (open === -1 || !Object.hasOwn(known, name)) continue;
    const operators = known[name];
    const fits = operators === 'list' ? isElement(key, name) : operators?.some((op) => key === `${name}[${op}]`);
    if (fits !== true) throw invalidQuery(name, `${name} does not know this operator`);
  }
}
