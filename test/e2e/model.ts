import { isDeepStrictEqual } from 'node:util';
import { listOf, type Listed } from './model-list.js';
import {
  type Customer,
  erased,
  isoTime,
  type Life,
  merged,
  notChargeable,
  notFound,
  Refused,
  refuseFaults,
  requireVersion,
  shown,
  shownSource,
  type Source,
  textOf,
} from './model-customer.js';
import { type ListQuery, type Request, SOURCES } from './model-commands.js';

/**
 * What the HTTP contract says of customers, in the plainest form: all in memory, one request after the other. Written from
 * the contract alone; it knows nothing of events, streams, keys and claims, and imports nothing of the service.
 */

/** A request as it was sent: references to ids and versions are filled in. */
export type Sent = WithVersions<Exclude<Request, { kind: 'again' }>>;
type WithVersions<R> = R extends unknown ? Omit<R, 'ifMatch'> & { readonly versions?: readonly number[] } : never;

export interface Answer {
  readonly status: number;
  /** Each as `code parameter`, sorted. */
  readonly faults: readonly string[];
  readonly body: unknown;
  readonly version?: number | undefined;
}

const DAY_MS = 86_400_000;
const GRACE_MS = 28 * DAY_MS;

export class Model {
  readonly customers = new Map<string, Customer>();
  /** What became of sources that were ever attached. */
  sources = new Map<string, 'attached' | 'cancelled'>();
  /** Ids the service made for creates with an `Idempotency-Key`. */
  private madeIds = new Map<string, string>();

  constructor(
    readonly start: number,
    public now: number,
  ) {}

  copy(): Model {
    const copy = new Model(this.start, this.now);
    for (const [id, customer] of this.customers) {
      copy.customers.set(id, { ...customer, commands: new Map(customer.commands) });
    }
    copy.sources = new Map(this.sources);
    copy.madeIds = new Map(this.madeIds);
    return copy;
  }

  /** Two models of one fingerprint predict the same for ever. */
  get fingerprint(): string {
    const customers = [...this.customers.values()].map((customer) => ({
      ...customer,
      commands: [...customer.commands],
    }));
    customers.sort((a, b) => (a.id < b.id ? -1 : 1));
    return JSON.stringify([customers, [...this.sources].sort(), [...this.madeIds].sort()]);
  }

  /** Makes the request happen. @returns what is wrong with the answer, if anything */
  expect(asked: Sent, answer: Answer): string | undefined {
    try {
      return this.compare(this.carryOut(asked, answer), answer, asked);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const wanted = { status: error.status, faults: [...error.faults].sort() };
      return isDeepStrictEqual(wanted, { status: answer.status, faults: answer.faults })
        ? undefined
        : `expected ${JSON.stringify(wanted)}, was answered ${JSON.stringify(answer)}`;
    }
  }

  /** The run of the due erasures. */
  eraseDue(): void {
    for (const customer of this.customers.values()) {
      if (customer.status !== 'active' || (customer.forgetDueAt ?? Infinity) > this.now) continue;
      this.end(customer, 'erased');
    }
  }

  private compare(
    { status, body, of }: { status: number; body?: unknown; of?: Customer },
    answer: Answer,
    asked: Sent,
  ): string | undefined {
    if (answer.status !== status || !isDeepStrictEqual(answer.body, body)) {
      return `expected ${String(status)} ${JSON.stringify(body)}, was answered ${JSON.stringify(answer)}`;
    }
    if (of === undefined || asked.kind === 'attach') return undefined;
    const { known, above } = of.version;
    const fits =
      answer.version !== undefined && (known === undefined ? answer.version > above : answer.version === known);
    if (!fits)
      return `expected a version ${known === undefined ? `above ${above}` : known}, was ${String(answer.version)}`;
    of.version = { above, known: answer.version };
    return undefined;
  }

  private carryOut(asked: Sent, answer: Answer): { status: number; body?: unknown; of?: Customer } {
    switch (asked.kind) {
      case 'create': {
        const of = this.create(asked, answer);
        return { status: 201, body: shown(of), of };
      }
      case 'update': {
        const of = this.update(asked);
        return { status: 200, body: shown(of), of };
      }
      case 'get': {
        const of = this.present(asked.id);
        return { status: 200, body: shown(of), of };
      }
      case 'delete':
        this.delete(asked);
        return { status: 204 };
      case 'attach':
        return { status: 200, body: this.attach(asked) };
      case 'detach':
        this.detach(asked);
        return { status: 204 };
      case 'list':
        return { status: 200, body: this.list(asked.query) };
      default:
        return asked satisfies never;
    }
  }

  private create(asked: Extract<Sent, { kind: 'create' }>, answer: Answer): Customer {
    refuseFaults(asked.body.faults);
    const id = asked.id ?? this.madeId(asked.key, answer);
    const before = this.customers.get(id);
    const repeated = this.repeated(before, asked, asked.body.fields);
    if (before !== undefined && repeated) return before;
    if (before !== undefined && before.status !== 'deleted') throw new Refused(409, ['already_exists id']);
    const { email, locale, type, enabled, shipping, metadata, taxCertificate, defaultSourceId } = asked.body.fields;
    const customer: Customer = {
      id,
      status: 'active',
      lives: (before?.lives ?? 0) + 1,
      createdTime: this.now,
      updatedTime: this.now,
      version: { above: before?.version.known ?? before?.version.above ?? -1 },
      changes: (before?.changes ?? 0) + 1,
      commands: before?.commands ?? new Map(),
      email: textOf(email),
      locale: textOf(locale),
      type: textOf(type),
      enabled: enabled !== false,
      shipping: shipping ?? undefined,
      metadata: merged({}, metadata),
      taxCertificates: taxCertificate === undefined ? [] : [taxCertificate],
      defaultSourceId: undefined,
      sources: [],
      forgetDueAt: undefined,
    };
    if (typeof defaultSourceId === 'string') this.take(customer, defaultSourceId);
    this.customers.set(id, customer);
    this.record(customer, asked, asked.body.fields);
    return customer;
  }

  /** The id of a create without one follows from its key; without a key any new one will do. */
  private madeId(key: string | undefined, { status, body }: Answer): string {
    const known = key === undefined ? undefined : this.madeIds.get(key);
    if (known !== undefined) return known;
    const id = typeof body === 'object' && body !== null && 'id' in body ? String(body.id) : 'none was answered';
    if (status === 201 && this.customers.has(id)) return 'another one';
    if (key !== undefined && status === 201) this.madeIds.set(key, id);
    return id;
  }

  private update(asked: Extract<Sent, { kind: 'update' }>): Customer {
    refuseFaults(asked.body.faults);
    const customer = this.changeable(asked.id);
    if (this.repeated(customer, asked, asked.body.fields)) return customer;
    requireVersion(customer, asked.versions);
    const next = this.changed(customer, asked.body.fields);
    if (isDeepStrictEqual(next, { ...customer })) return customer;
    Object.assign(customer, next);
    this.touch(customer);
    this.record(customer, asked, asked.body.fields);
    return customer;
  }

  private changed(customer: Customer, fields: Readonly<Record<string, unknown>>): Customer {
    const next = { ...customer };
    if (fields['email'] !== undefined) next.email = textOf(fields['email']);
    if (fields['locale'] !== undefined) next.locale = textOf(fields['locale']);
    if (fields['type'] !== undefined) next.type = textOf(fields['type']);
    if (typeof fields['enabled'] === 'boolean') next.enabled = fields['enabled'];
    if (fields['shipping'] !== undefined) next.shipping = fields['shipping'] ?? undefined;
    if (fields['metadata'] !== undefined) next.metadata = merged(customer.metadata ?? {}, fields['metadata']);
    const { taxCertificate: added, defaultSourceId: wanted, requestToBeForgotten: forget } = fields;
    if (added !== undefined && !customer.taxCertificates.some((known) => isDeepStrictEqual(known, added))) {
      next.taxCertificates = [...customer.taxCertificates, added];
    }
    if (typeof wanted === 'string' && !customer.sources.some(({ id }) => id === wanted)) {
      throw new Refused(400, ['invalid_parameter defaultSourceId']);
    }
    if (wanted !== undefined) next.defaultSourceId = textOf(wanted);
    if (forget === true) next.forgetDueAt = customer.forgetDueAt ?? this.now + GRACE_MS;
    if (forget === false) next.forgetDueAt = undefined;
    return next;
  }

  private delete({ id, versions }: Extract<Sent, { kind: 'delete' }>): void {
    const customer = this.changeable(id);
    requireVersion(customer, versions);
    this.end(customer, 'deleted');
  }

  private attach(asked: Extract<Sent, { kind: 'attach' }>): unknown {
    const { id, sourceId, versions } = asked;
    const customer = this.changeable(id);
    const attached = (): Source | undefined => customer.sources.find((source) => source.id === sourceId);
    if (this.repeated(customer, asked, sourceId)) {
      const source = attached();
      if (source === undefined) throw notChargeable();
      return shownSource(customer, source);
    }
    requireVersion(customer, versions);
    const present = attached();
    if (present !== undefined) return shownSource(customer, present);
    const source = this.take(customer, sourceId);
    this.touch(customer);
    this.record(customer, asked, sourceId);
    return shownSource(customer, source);
  }

  private take(customer: Customer, sourceId: string): Source {
    const found = SOURCES.get(sourceId);
    if (found === undefined) throw new Refused(404, ['source_not_found sourceId']);
    if (found.state !== 'chargeable') throw notChargeable();
    if (!found.reusable) throw new Refused(409, ['nonreusable_source sourceId']);
    if (this.sources.get(sourceId) === 'cancelled') throw notChargeable();
    if (this.sources.get(sourceId) === 'attached') throw new Refused(409, ['source_in_use sourceId']);
    const source = { id: sourceId, ...found, createdTime: isoTime(this.now) };
    if (customer.sources.length === 0) customer.defaultSourceId = sourceId;
    customer.sources = [...customer.sources, source];
    this.sources.set(sourceId, 'attached');
    return source;
  }

  private detach({ id, sourceId, versions }: Extract<Sent, { kind: 'detach' }>): void {
    const customer = this.changeable(id);
    requireVersion(customer, versions);
    const rest = customer.sources.filter((source) => source.id !== sourceId);
    if (rest.length === customer.sources.length) throw new Refused(404, ['source_not_found sourceId']);
    customer.sources = rest;
    if (customer.defaultSourceId === sourceId) customer.defaultSourceId = rest.at(-1)?.id;
    this.sources.set(sourceId, 'cancelled');
    this.touch(customer);
  }

  private list(query: ListQuery): unknown {
    const all: Listed[] = [...this.customers.values()].map((customer) => ({
      id: customer.id,
      listed: customer.status !== 'deleted',
      createdTime: customer.createdTime,
      updatedTime: customer.updatedTime,
      email: customer.email,
      requestToBeForgotten: customer.status === 'erased' || customer.forgetDueAt !== undefined,
      body: customer.status === 'deleted' ? undefined : shown(customer),
    }));
    const page = listOf(all, query, this.start);
    if (typeof page === 'string') throw new Refused(400, [page]);
    return page;
  }

  private present(id: string): Customer {
    const customer = this.customers.get(id);
    if (customer === undefined || customer.status === 'deleted') throw notFound();
    return customer;
  }

  private changeable(id: string): Customer {
    const customer = this.present(id);
    if (customer.status === 'erased') throw erased();
    return customer;
  }

  private repeated(
    customer: Customer | undefined,
    { kind, key }: { kind: string; key?: string | undefined },
    asked: unknown,
  ): boolean {
    const recorded = key === undefined ? undefined : customer?.commands.get(`${kind} ${key}`);
    if (recorded === undefined || customer === undefined) return false;
    if (customer.status !== 'active' || customer.lives !== recorded.life) throw erased();
    if (!isDeepStrictEqual(recorded.asked, asked)) throw new Refused(422, ['idempotency_key_reused Idempotency-Key']);
    return true;
  }

  private record(customer: Customer, { kind, key }: { kind: string; key?: string | undefined }, asked: unknown): void {
    if (key !== undefined) customer.commands.set(`${kind} ${key}`, { life: customer.lives, asked });
  }

  private touch(customer: Customer): void {
    customer.updatedTime = this.now;
    customer.version = { above: customer.version.known ?? customer.version.above + 1 };
    customer.changes += 1;
  }

  private end(customer: Customer, status: 'erased' | 'deleted'): void {
    for (const { id } of customer.sources) this.sources.set(id, 'cancelled');
    const none: Life = { enabled: false, sources: [], taxCertificates: [] };
    const cleared = { email: undefined, metadata: undefined, forgetDueAt: undefined, defaultSourceId: undefined };
    Object.assign(customer, cleared, none, { status });
    this.touch(customer);
  }
}
