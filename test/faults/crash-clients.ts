import type { ServiceProcess } from '../support/service-process.js';
import type { Attempt, Ledger } from './crash-ledger.js';
import type { Changes, Expected, Operation } from './crash-model.js';
import type { Random } from './crash-random.js';

/** What all clients of a round want at the same time. */
export interface Shared {
  readonly customerIds: readonly string[];
  readonly sourceIds: readonly string[];
}

type Wanted = Omit<Attempt, 'requestIds' | 'outcome' | 'name'>;

const AT_MOST = 6;

/** Works without pause, one request at a time; its own customers nobody else changes. */
export class Client {
  /** Of its last request, when no answer came. */
  pending: Attempt | undefined;
  /** The last one answered that carried a key, while a repeat must still be answered with success. */
  repeatable: Attempt | undefined;
  private mine: string[] = [];
  private readonly deleted: string[] = [];
  private count = 0;

  constructor(
    private readonly name: string,
    private readonly ledger: Ledger,
    private readonly random: Random,
  ) {}

  async work(service: ServiceProcess, shared: Shared, isOver: () => boolean): Promise<void> {
    while (!isOver() && this.pending === undefined) await this.step(service, this.choose(shared));
  }

  /** A customer for everybody. */
  async create(service: ServiceProcess): Promise<string> {
    const attempt = await this.step(service, { ...this.creation(), shared: true });
    if (attempt.customerId === undefined) throw new Error('There is no customer to work on');
    return attempt.customerId;
  }

  private async step(service: ServiceProcess, wanted: Wanted): Promise<Attempt> {
    this.count += 1;
    const attempt = this.ledger.begin({ name: `${this.name}.${this.count}`, ...wanted });
    await this.ledger.attempt(service, attempt);
    if (attempt.outcome === 'unknown') this.pending = attempt;
    else this.settled(attempt);
    return attempt;
  }

  /** For its choices to come. */
  settled(attempt: Attempt): void {
    if (this.pending === attempt) this.pending = undefined;
    const { customerId, outcome, operation, shared } = attempt;
    if (outcome !== 'done' || customerId === undefined) return;
    const status = this.ledger.customers.get(customerId)?.status;
    if (attempt.key !== undefined && status === 'there') this.repeatable = attempt;
    else if (this.repeatable?.customerId === customerId && status !== 'there') this.repeatable = undefined;
    // After its source was detached, an attach has no success to be answered with.
    if (operation.kind === 'detach' && this.repeatable?.customerId === customerId) this.repeatable = undefined;
    if (shared) return;
    if (operation.kind === 'create') this.mine.push(customerId);
    if (status !== 'there') this.mine = this.mine.filter((id) => id !== customerId);
    if (operation.kind === 'delete') this.deleted.push(customerId);
  }

  private choose(shared: Shared): Wanted {
    const { random } = this;
    if (this.mine.length < 2) return this.creation();
    const id = random.pick(this.mine);
    const expected = this.ledger.customers.get(id);
    const sources = expected?.sources ?? [];
    const dice = random.between(1, 100);
    if (dice <= 15 && this.mine.length < AT_MOST) return this.creation();
    if (dice <= 25) return this.sharedUpdate(random.pick(shared.customerIds));
    if (dice <= 33) return this.on(id, { kind: 'attach', sourceId: random.uuid() });
    if (dice <= 38)
      return { ...this.on(id, { kind: 'attach', sourceId: random.pick(shared.sourceIds) }), contested: true };
    if (dice <= 48 && sources.length > 0) return this.on(id, { kind: 'detach', sourceId: random.pick(sources) });
    if (dice <= 56) return this.on(id, { kind: 'delete' });
    if (dice <= 60) return this.on(id, { kind: 'update', changes: { ...this.changes(), requestToBeForgotten: true } });
    return this.on(id, { kind: 'update', changes: this.changes(expected) });
  }

  private creation(): Wanted {
    const { random } = this;
    const changes = { ...this.changes(), ...(random.chance(0.2) && { defaultSourceId: random.uuid() }) };
    const again = this.deleted.length > 0 && random.chance(0.4) ? this.deleted.pop() : undefined;
    const id = again ?? (random.chance(0.5) ? `${this.name}.${random.uuid()}`.slice(-40) : undefined);
    return this.on(id, { kind: 'create', changes, ...(id !== undefined && { id }) });
  }

  private sharedUpdate(customerId: string): Wanted {
    const changes = { metadata: { [this.name]: this.count } };
    return { ...this.on(customerId, { kind: 'update', changes }), shared: true };
  }

  private on(customerId: string | undefined, operation: Operation): Wanted {
    const { random } = this;
    const keyed = operation.kind !== 'delete' && operation.kind !== 'detach' && random.chance(0.6);
    const key = keyed ? `${this.name}.${this.count}.${random.uuid()}` : undefined;
    return { customerId, operation, key, contested: false, shared: false };
  }

  /** Never without effect: there is always a value in them that was never there before. */
  private changes(expected?: Expected): Changes {
    const { random } = this;
    const unique = `${this.name}.${this.count}.${random.between(0, 999_999)}`;
    return {
      metadata: { [`m${random.between(1, 9)}`]: unique },
      ...(random.chance(0.4) && { email: `${unique}@example.com` }),
      ...(random.chance(0.2) && { shipping: { name: unique, phone: '1' } }),
      ...(random.chance(0.1) && { taxCertificate: certificate(unique) }),
      ...(random.chance(0.2) && { locale: random.pick(['en_US', 'de_DE', 'fr_CA']) }),
      ...(random.chance(0.2) && { type: random.pick(['business', 'individual'] as const) }),
      ...(random.chance(0.2) && { enabled: !(expected?.profile.enabled ?? false) }),
      ...(expected !== undefined && expected.sources.length > 1 && { defaultSourceId: random.pick(expected.sources) }),
    };
  }
}

const certificate = (name: string): Readonly<Record<string, string>> => ({
  companyName: name,
  taxAuthority: 'IRS',
  startDate: '2026-01-01',
  endDate: '2027-01-01',
  fileId: 'file-1',
});
