import { randomBytes } from 'node:crypto';
import type { Request } from 'autocannon';
import { bodyOf, emailOf, idOf, type Population, sample } from './population.js';

/** Measured side by side with the floor. */
export const OPERATIONS = ['create', 'get', 'update', 'list-10', 'list-100'] as const;
/** Measured at each size. */
export const READS = ['get', 'list-10', 'list-middle', 'list-email', 'list-forget'] as const;

/** Measured at each length of a history; the state now, the first page of the history, all changes since the creation. */
export const AUDIT_READS = ['as-of', 'audit-history', 'audit-diff'] as const;

export type Operation = (typeof OPERATIONS)[number] | (typeof READS)[number] | (typeof AUDIT_READS)[number];

/** Requests made ahead and cycled through, over all connections. */
const REQUESTS = 20_000;

/** For each connection its own requests; no customer is asked for by two of them. */
export function requestsFor(operation: Operation, population: Population, connections: number): Request[][] {
  const numbers = sample(population.count, REQUESTS);
  const requests = requestMaker(operation, population);
  return Array.from({ length: connections }, (_, connection) => {
    // Fewer customers than connections: those left over start again from the first.
    const own = numbers.filter((__, i) => i % connections === connection % numbers.length);
    return requests(own);
  });
}

function requestMaker(operation: Operation, population: Population): (numbers: readonly number[]) => Request[] {
  const get = (path: (n: number) => string) => (numbers: readonly number[]) =>
    numbers.map((n): Request => ({ method: 'GET', path: path(n) }));
  switch (operation) {
    case 'create':
      return (numbers) => numbers.map((n) => post('/customers', bodyOf(n)));
    case 'update':
      return updates(population);
    case 'get':
      return get((n) => `/customers/${idOf(population, n)}`);
    case 'list-10':
      return get(() => '/customers?limit=10');
    case 'list-100':
      return get(() => '/customers?limit=100');
    case 'list-middle':
      return get((n) => `/customers?limit=10&startingAfter=${idOf(population, inTheMiddle(n, population.count))}`);
    case 'list-email':
      return get((n) => `/customers?limit=10&email=${encodeURIComponent(emailOf(n))}`);
    case 'list-forget':
      return get(() => '/customers?limit=10&requestToBeForgotten=true');
    case 'as-of':
      return get((n) => `/audit/customers/${idOf(population, n)}?asOf=2100-01-01`);
    case 'audit-history':
      return get((n) => `/audit/customers/${idOf(population, n)}/events`);
    case 'audit-diff':
      return get((n) => `/audit/customers/${idOf(population, n)}/diff?from=0`);
    default:
      return operation satisfies never;
  }
}

/**
 * The whole body posted back with another address: one event. All customers move to one address, then all to another, so
 * that each request changes something however often they are gone through; the streets are new in each run.
 */
function updates(population: Population): (numbers: readonly number[]) => Request[] {
  const street = randomBytes(4).toString('hex');
  return (numbers) =>
    ['1', '2'].flatMap((house) =>
      numbers.map((n) => post(`/customers/${idOf(population, n)}`, bodyOf(n, `${house} ${street} St`))),
    );
}

const inTheMiddle = (n: number, count: number): number =>
  Math.floor(count / 3) + (n % Math.max(1, Math.floor(count / 3)));

const post = (path: string, body: object): Request => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
