/** Customers that are made by number, so that the seeder and the load agree on them without telling each other. */
export interface Population {
  readonly prefix: string;
  readonly count: number;
}

/** The request to be forgotten of every so many-th customer stands open. */
export const FORGET_EVERY = 100;

export const idOf = ({ prefix }: Pick<Population, 'prefix'>, n: number): string =>
  `${prefix}${String(n).padStart(8, '0')}`;

export const emailOf = (n: number): string => `jane.doe.${n}@example.com`;

/** What a shop typically knows of a customer. */
export const bodyOf = (n: number, line1 = `${n % 1000} Main Street`) => ({
  email: emailOf(n),
  locale: 'en_US',
  type: 'individual' as const,
  shipping: shippingOf(n, line1),
  metadata: { tier: 'gold', visits: n % 50, crmId: `crm-${n}`, newsletter: true },
});

export const shippingOf = (n: number, line1: string) => ({
  name: 'Jane Doe',
  phone: '+1 555 0100',
  email: emailOf(n),
  address: { country: 'US', line1, city: 'Springfield', postalCode: '62701', state: 'IL' },
});

/** So many different numbers below `count`, in an order that looks random and is the same each time. */
export function sample(count: number, wanted: number): number[] {
  const step = stepFor(count);
  return Array.from({ length: Math.min(count, wanted) }, (_, i) => (i * step) % count);
}

/** Multiples of a number that shares no factor with `count` meet each remainder once. */
function stepFor(count: number): number {
  let step = Math.max(1, Math.round(count * 0.618_033_988));
  while (commonFactor(step, count) !== 1) step += 1;
  return step;
}

const commonFactor = (a: number, b: number): number => (b === 0 ? a : commonFactor(b, a % b));
