/** A customer as the model sees it, how it is shown, and the refusals. */

export interface Source {
  readonly id: string;
  readonly type?: string;
  readonly state: string;
  readonly reusable: boolean;
  readonly createdTime: string;
}

export interface Life {
  email?: string | undefined;
  locale?: string | undefined;
  type?: string | undefined;
  enabled: boolean;
  shipping?: unknown;
  metadata?: Record<string, unknown> | undefined;
  taxCertificates: unknown[];
  defaultSourceId?: string | undefined;
  sources: Source[];
  /** Milliseconds. */
  forgetDueAt?: number | undefined;
}

export interface Customer extends Life {
  readonly id: string;
  status: 'active' | 'erased' | 'deleted';
  lives: number;
  createdTime: number;
  updatedTime: number;
  /** Exactly known once an answer has shown it; until then all that is known is that it grew. */
  version: { above: number; known?: number | undefined };
  /** How many requests have changed it. */
  changes: number;
  /** By route and `Idempotency-Key`: what took effect, and in which life. */
  commands: Map<string, { readonly life: number; readonly asked: unknown }>;
}

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly faults: readonly string[],
  ) {
    super(faults.join());
  }
}

const MAX_PAIRS = 20;

export const notFound = (): Refused => new Refused(404, ['not_found id']);
export const erased = (): Refused => new Refused(409, ['customer_erased id']);
export const notChargeable = (): Refused => new Refused(409, ['source_not_chargeable sourceId']);
export const isoTime = (ms: number): string => new Date(ms).toISOString();

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export function refuseFaults(faults: readonly string[]): void {
  if (faults.length > 0) throw new Refused(400, faults);
}

export function requireVersion({ version }: Customer, versions: readonly number[] | undefined): void {
  if (versions === undefined) return;
  if (version.known === undefined || !versions.includes(version.known))
    throw new Refused(412, ['precondition_failed If-Match']);
}

/** `""` removes a key, `null` all of them; what is left of nothing is absent. */
export function merged(present: Record<string, unknown>, changes: unknown): Record<string, unknown> | undefined {
  if (typeof changes !== 'object') return Object.keys(present).length === 0 ? undefined : present;
  const all = changes === null ? {} : { ...present, ...changes };
  const kept = Object.entries(all).filter(([, value]) => value !== '');
  if (kept.length > MAX_PAIRS) throw new Refused(400, ['too_many_metadata_pairs metadata']);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

export function shownSource({ id: customerId }: Customer, source: Source): unknown {
  return { ...source, customerId };
}

export function shown(customer: Customer): unknown {
  const { id, status } = customer;
  const common = {
    id,
    createdTime: isoTime(customer.createdTime),
    updatedTime: isoTime(customer.updatedTime),
    liveMode: false,
  };
  if (status !== 'active') return { ...common, enabled: false, requestToBeForgotten: true };
  const { email, locale, type, enabled, shipping, metadata, taxCertificates, defaultSourceId } = customer;
  const optional = { email, locale, type, shipping, metadata, defaultSourceId };
  return {
    ...common,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    enabled,
    requestToBeForgotten: customer.forgetDueAt !== undefined,
    taxCertificates,
    sources: customer.sources.map((source) => shownSource(customer, source)),
  };
}
