import { setTimeout as delay } from 'node:timers/promises';
import { openPrivacy, openStores, type Stores } from '../../src/adapters.js';
import type { Config } from '../../src/config.js';
import { CustomerProjection } from '../../src/customers/read-model/customer-projection.js';
import { EmailIndexing } from '../../src/customers/read-model/email-indexing.js';
import { CUSTOMER_PREFIX } from '../../src/customers/streams.js';
import type { CustomerView } from '../../src/customers/read-model/customer-view.js';
import type { CustomerViews } from '../../src/customers/read-model/customer-views.js';
import type { RecordedEvent } from '../../src/event-sourcing/event-store.js';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { openSqliteStores } from '../../src/stores/sqlite/sqlite-stores.js';
import type { ServiceProcess } from '../support/service-process.js';
import { LogAudit, SOME, standingKeys, viewFault } from './crash-audit.js';
import { type Attempt, codeOf, isTaken, type Ledger, request } from './crash-ledger.js';
import { fault } from './crash-model.js';

const SETTLE_MS = 20_000;
/** The lease of a process that was killed while it looked for due erasures (90 s), and two times of looking (60 s). */
const ERASURES_MS = 220_000;

interface Wrong {
  readonly id: string;
  readonly what: string;
  /** Written after the log was read: to be looked at again. */
  readonly ahead: boolean;
}

/** Compares what the service has and answers, after a start, with the ledger and with its own log. */
export class Verification {
  private readonly audit = new LogAudit();
  private unfinished: LogAudit['endings'] = [];
  private endingsSeen = 0;

  constructor(
    private readonly ledger: Ledger,
    /** Of the service: says where its stores are. */
    private readonly config: Config,
  ) {}

  get events(): number {
    return this.audit.events;
  }

  get endings(): number {
    return this.audit.endings.length;
  }

  /** Whether whoever asked to be forgotten is erased by a start. On a server others may be at it, until their lease ends. */
  get erasesAtStart(): boolean {
    return this.config.mongodbUrl === undefined;
  }

  /**
   * What must hold at the moment the service says that it listens. What it writes of its own accord from then on may be
   * under way, and is waited for.
   * @param startedAt milliseconds since the epoch: what is older in the log was there when the process was started
   */
  async afterStart(startedAt: number): Promise<void> {
    if (this.erasesAtStart) this.ledger.erased();
    await this.withStores(async (stores) => {
      await this.audit.readOn(stores.eventStore);
      await this.checkKeys(stores, startedAt);
      await this.checkViews(stores, startedAt);
      this.ledger.faults.push(...this.audit.faults.splice(0), ...this.audit.ownershipFaults());
    });
  }

  /** Reads on to the end of the log, for {@link hasLanded}. */
  readLog(): Promise<void> {
    return this.withStores(({ eventStore }) => this.audit.readOn(eventStore));
  }

  /** Whether any request of the attempt had an effect, as the log tells it. Fills in the id of a creation. */
  hasLanded(attempt: Attempt): boolean {
    const [stream] = this.audit.effectsOf(attempt);
    if (stream !== undefined) attempt.customerId ??= stream.slice(CUSTOMER_PREFIX.length);
    return stream !== undefined;
  }

  /** Once no outcome is open any more: nothing lost, nothing done twice, and every GET answers what the ledger says. */
  async afterSettling(service: ServiceProcess, attempts: readonly Attempt[], ids: Iterable<string>): Promise<void> {
    await this.readLog();
    for (const attempt of attempts) this.checkEffects(attempt);
    for (const id of ids) {
      const expected = this.ledger.customers.get(id);
      if (expected === undefined) continue;
      const { status, body } = await request(service, 'GET', `/customers/${id}`);
      const wrong = fault(expected, status, body);
      if (wrong !== undefined) this.ledger.faults.push(`GET ${id}: ${wrong}`);
    }
    this.ledger.faults.push(...this.audit.faults.splice(0));
  }

  /** The whole log once more, from its first event, projected into an empty read model: it must be the stored one. */
  async afterAll(): Promise<void> {
    const whole = new Verification(this.ledger, this.config);
    await whole.afterStart(Infinity);
    await this.withStores(async (stores) => {
      const replayed = await openSqliteStores({ memory: true });
      try {
        await replay(stores, replayed.customerViews, this.config);
        const ids = [...whole.audit.views.keys()];
        const [want, got] = [await viewsOf(replayed.customerViews, ids), await viewsOf(stores.customerViews, ids)];
        for (const id of ids) {
          const [wanted, stored] = [JSON.stringify(sorted(want.get(id))), JSON.stringify(sorted(got.get(id)))];
          if (wanted !== stored) this.ledger.faults.push(`replayed ${id} is ${wanted}, but stored is ${stored}`);
        }
        const listed = ids.filter((id) => want.get(id)?.listed === true).length;
        const found = await countListed(stores.customerViews);
        if (found !== listed) this.ledger.faults.push(`${found} customers are listed, ${listed} should be`);
      } finally {
        await replayed.close();
      }
    });
  }

  /** Waits until no claim is left without its attachment, and no source without the news of its end. */
  async sourcesSettled(): Promise<void> {
    await this.withStores(async ({ eventStore }) => {
      const until = Date.now() + SETTLE_MS;
      let open = ['not looked yet'];
      while (open.length > 0 && Date.now() < until) {
        await this.audit.readOn(eventStore);
        open = this.openClaims();
      }
      this.ledger.faults.push(...open);
    });
  }

  /** Waits until everybody who asked to be forgotten is. */
  async erasuresSettled(): Promise<void> {
    const asked = [...this.ledger.customers].flatMap(([id, { status }]) => (status === 'forgotten' ? [id] : []));
    await this.withStores(async ({ eventStore }) => {
      const until = Date.now() + ERASURES_MS;
      let open = asked;
      while (open.length > 0 && Date.now() < until) {
        await delay(200);
        await this.audit.readOn(eventStore);
        open = open.filter((id) => this.audit.views.get(id)?.status !== 'erased');
      }
      this.ledger.faults.push(...open.map((id) => `${id} asked to be forgotten, and is not`));
    });
  }

  private openClaims(): string[] {
    return [...this.audit.sources].flatMap(([id, state]) => {
      if (state.status !== 'claimed') return [];
      const { customerId, life } = state.owner;
      const view = this.audit.views.get(customerId);
      // Claimed for a life that has not begun: whoever claimed it was killed before, and nobody else can have it.
      if (view === undefined || view.life < life) return [];
      const owned = view.life === life && view.sources.some((source) => source.id === id);
      return owned ? [] : [`source ${id} is claimed for ${customerId}, which does not have it`];
    });
  }

  private checkEffects(attempt: Attempt): void {
    const { operation, outcome, customerId, contested } = attempt;
    const streams = this.audit.effectsOf(attempt);
    if (streams.length > 1) this.ledger.blame(attempt, `took effect ${streams.length} times`);
    if (streams.some((stream) => stream !== `${CUSTOMER_PREFIX}${customerId}`)) {
      this.ledger.blame(attempt, `took effect on ${streams.join()}`);
    }
    if (operation.kind === 'attach') {
      // A claim that a crash left behind is rolled forward by the service itself: count what became of the source.
      const count = customerId === undefined ? 0 : this.audit.attachmentsOf(customerId, operation.sourceId);
      if (outcome === 'done' && count !== 1) this.ledger.blame(attempt, `attached ${count} times`);
      if (outcome === 'refused' && !contested && count !== 0) this.ledger.blame(attempt, 'attached, though refused');
      return;
    }
    if (outcome === 'done' && streams.length === 0) this.ledger.blame(attempt, 'is lost: acknowledged, not in the log');
    if (outcome === 'refused' && streams.length > 0) this.ledger.blame(attempt, 'took effect, though refused');
  }

  private async checkKeys({ subjectKeys }: Stores, startedAt: number): Promise<void> {
    const all = [...this.unfinished, ...this.audit.endings.slice(this.endingsSeen)];
    this.endingsSeen = this.audit.endings.length;
    const older = all.filter(({ recordedAt }) => recordedAt < startedAt);
    const standing = await standingKeys(subjectKeys, older);
    this.ledger.faults.push(...standing.map((what) => `${what}, after the start`));
    this.unfinished = all.filter(({ recordedAt }) => recordedAt >= startedAt);
    const until = Date.now() + SETTLE_MS;
    let open = await standingKeys(subjectKeys, this.unfinished);
    while (open.length > 0 && Date.now() < until) open = await standingKeys(subjectKeys, this.unfinished);
    this.ledger.faults.push(...open.map((what) => `${what}, long after`));
    this.unfinished = [];
  }

  private async checkViews({ customerViews, eventStore }: Stores, startedAt: number): Promise<void> {
    const ids = [...this.audit.views.keys()];
    const until = Date.now() + SETTLE_MS;
    let wrong = await this.wrongViews(customerViews, ids);
    const isLate = ({ id, ahead }: Wrong): boolean => !ahead && (this.audit.writtenAt.get(id) ?? 0) < startedAt;
    this.ledger.faults.push(...wrong.filter(isLate).map(({ what }) => `after the start ${what}`));
    wrong = wrong.filter((view) => !isLate(view));
    while (wrong.length > 0 && Date.now() < until) {
      await this.audit.readOn(eventStore);
      wrong = await this.wrongViews(
        customerViews,
        wrong.map(({ id }) => id),
      );
    }
    this.ledger.faults.push(...wrong.map(({ what }) => what));
  }

  private async wrongViews(views: CustomerViews, ids: readonly string[]): Promise<Wrong[]> {
    const wrong: Wrong[] = [];
    for (let at = 0; at < ids.length; at += SOME) {
      const some = ids.slice(at, at + SOME);
      const stored = await patiently(() => views.getMany(some));
      for (const id of some) {
        const folded = this.audit.views.get(id);
        if (folded === undefined) continue;
        const view = stored.get(id);
        const what = viewFault(view, folded);
        if (what !== undefined) wrong.push({ id, what, ahead: view !== undefined && view.version > folded.version });
      }
    }
    return wrong;
  }

  private async withStores(work: (stores: Stores) => Promise<void>): Promise<void> {
    const stores = await openStores(this.config, { exclusive: false });
    try {
      await work(stores);
    } finally {
      await stores.close();
    }
  }
}

async function viewsOf(views: CustomerViews, ids: readonly string[]): Promise<ReadonlyMap<string, CustomerView>> {
  const found = new Map<string, CustomerView>();
  for (let at = 0; at < ids.length; at += SOME) {
    const some = ids.slice(at, at + SOME);
    for (const [id, view] of await patiently(() => views.getMany(some))) found.set(id, view);
  }
  return found;
}

async function replay(stores: Stores, into: CustomerViews, config: Config): Promise<void> {
  const { eventStore } = stores;
  const { keys, secrets } = await openPrivacy(config, stores);
  const projection = new CustomerProjection(eventStore, into, keys, new EmailIndexing(secrets));
  const end = new AbortController();
  let events: RecordedEvent[] = [];
  for await (const message of eventStore.subscribe({ prefixes: [CUSTOMER_PREFIX], signal: end.signal })) {
    if (message.kind === 'event') events.push(message.event);
    if (message.kind === 'caught_up') end.abort();
    if (events.length === SOME || message.kind === 'caught_up') {
      await projection.handle(events);
      events = [];
    }
  }
}

async function countListed(views: CustomerViews): Promise<number> {
  let count = 0;
  for (let page = await views.list({}, 100); ;) {
    count += page.views.length;
    const last = page.views.at(-1);
    if (!page.hasMore || last === undefined) return count;
    page = await views.list({}, 100, { direction: 'after', createdTime: last.createdTime, id: last.id });
  }
}

/** A server that was just left by one that was killed, and is asked by its follower, may be slow to answer who checks. */
async function patiently<T>(read: () => Promise<T>): Promise<T> {
  for (const until = Date.now() + SETTLE_MS; ;) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || Date.now() > until) throw error;
      await delay(100);
    }
  }
}

const sorted = (view: CustomerView | undefined): unknown =>
  view && Object.fromEntries(Object.entries(view).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Finds out what became of an attempt without an answer, asking again where that must be harmless. */
export async function resolve(
  service: ServiceProcess,
  ledger: Ledger,
  verification: Verification,
  attempt: Attempt,
): Promise<void> {
  const { operation, key } = attempt;
  const landed = verification.hasLanded(attempt);
  const nameless = operation.kind === 'create' && operation.id === undefined;
  if (key === undefined && (operation.kind === 'update' || nameless)) {
    if (landed) ledger.settle(attempt);
    else attempt.outcome = 'refused';
    return;
  }
  const answer = await ledger.ask(service, attempt);
  if (answer === undefined) {
    ledger.blame(attempt, 'was not answered although nobody was killed');
    return;
  }
  const code = answer.status < 400 ? 'success' : codeOf(answer.body);
  if (isExpected(attempt, landed, code, verification.erasesAtStart)) {
    if (operation.kind === 'create' && !landed) attempt.customerId = String(answer.body['id']);
    if (isTaken(code)) attempt.outcome = 'refused';
    else ledger.settle(attempt);
    if (code === 'customer_erased') ledger.erased([attempt.customerId ?? '']);
  } else {
    ledger.blame(attempt, `was ${landed ? '' : 'not '}in the log, and its repeat was answered with ${code}`);
  }
}

/** How a repeat may be answered. */
function isExpected(
  { operation, key, contested }: Attempt,
  landed: boolean,
  code: string,
  erasesAtStart: boolean,
): boolean {
  switch (operation.kind) {
    case 'create':
      return code === (landed && key === undefined ? 'already_exists' : 'success');
    case 'update':
      // Due at once, the erasure came with the start: in a life that is over nothing is repeated.
      if (operation.changes.requestToBeForgotten === true && landed) {
        return code === 'customer_erased' || (!erasesAtStart && code === 'success');
      }
      return code === 'success';
    case 'delete':
      return code === (landed ? 'not_found' : 'success');
    case 'detach':
      return code === (landed ? 'source_not_found' : 'success');
    case 'attach':
      return code === 'success' || (contested && isTaken(code));
    default:
      return operation satisfies never;
  }
}
