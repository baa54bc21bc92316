import { type CustomerHistory, foldCustomer } from '../../src/customers/customer-history.js';
import { CustomerError } from '../../src/customers/domain/errors.js';
import { viewHoldsPersonal } from '../../src/customers/personal-values.js';
import type { OpenedCustomer } from '../../src/customers/read-model/opened-customer.js';
import { IdempotencyKeyReused } from '../../src/event-sourcing/command-context.js';
import { readMetadata } from '../../src/event-sourcing/envelope.js';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { KeyMissing } from '../../src/privacy/key-ring.js';
import { rotate } from '../../src/privacy/master-key-rotation.js';
import { MasterKeys } from '../../src/privacy/master-keys.js';
import type { KeyRef, KeyState } from '../../src/privacy/subject-keys.js';
import { type Change, type ChangeKind, Instance, MASTERS, Shared } from './erasure-world.js';
import { Abandoned } from './source-ownership-scheduler.js';

export const IDS = ['a', 'b'] as const;
const HOUR_MS = 3_600_000;

export type What =
  | ChangeKind
  | 'read'
  | 'due'
  | 'project'
  | 'finish'
  | 'rotate'
  | 'rebuild'
  | 'later'
  | 'much later'
  | 'views fail'
  | 'crash'
  | 'back up views'
  | 'back up keys'
  | 'restore views'
  | 'restore keys';

export interface Step {
  readonly what: What;
  readonly id: (typeof IDS)[number];
  /** The process that is asked, or crashes: two serve, the third is a command line beside them. */
  readonly instance: 0 | 1 | 2;
  /** An `Idempotency-Key`; none for 0. */
  readonly key: number;
  readonly personal: boolean;
  readonly reason?: boolean | undefined;
  /** How many calls of stores happen before the next step. */
  readonly calls: number;
}

/** Of a customer after each event: what a reader may be told. */
interface Moment {
  readonly status: 'none' | 'active' | 'erased' | 'deleted';
  readonly email: string | undefined;
}

/** Something that must never be. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** One run: steps set going one after the other, calls of stores in the order of `picks`, and a watch over what is seen. */
export class ErasureRun {
  readonly shared = new Shared();
  private readonly instances: (Instance | undefined)[] = [undefined, undefined];
  /** Clients that end with the process. */
  private readonly clientsOf: [Set<string>, Set<string>, Set<string>] = [new Set(), new Set(), new Set()];
  private readonly emails = new Map<string, string>();
  /** Up to which revision of a customer's stream every reader must be. */
  private readonly reached = new Map<string, number>();
  /** Lives whose key came back from no backup: unreadable, and told as that. */
  private readonly lost = new Set<string>();
  /** Lives whose key was lost for a while: who was under way when it came back may have seen that it was gone. */
  private readonly foundAgain = new Map<string, number>();
  private readonly backups: { views?: () => void; keys?: () => void } = {};
  private readonly problems: string[] = [];
  private rebuilding = false;
  private clients = 0;
  private picked = 0;

  constructor(private readonly picks: readonly number[]) {}

  async play(steps: readonly Step[]): Promise<void> {
    try {
      for (const step of steps) {
        await this.begin(step);
        for (let call = 0; call < step.calls; call += 1) await this.oneCall();
        this.check();
      }
      while (await this.oneCall());
      await this.settle();
    } finally {
      this.shared.scheduler.abandon();
    }
  }

  private check(): void {
    if (this.problems.length > 0) throw new Violation(this.problems.join('; '));
  }

  private async oneCall(): Promise<boolean> {
    const ready = newestFirst(await this.shared.scheduler.rest());
    const pick = this.picks[this.picked % this.picks.length] ?? 0;
    const next = ready[pick % ready.length];
    if (next === undefined) return false;
    this.picked += 1;
    await this.shared.scheduler.step(next);
    return true;
  }

  private async begin({ what, id, instance, key, personal, reason }: Step): Promise<void> {
    const at = instance === 2 ? 0 : instance;
    switch (what) {
      case 'later':
        this.shared.clock.advance(6_000);
        return;
      case 'much later':
        this.shared.clock.advance(25 * HOUR_MS);
        return;
      case 'views fail':
        this.shared.views.failNext();
        return;
      case 'crash':
        return this.crash(instance);
      case 'back up views':
        this.backups.views = this.backup('views');
        return;
      case 'back up keys':
        this.backups.keys = this.backup('keys');
        return;
      case 'restore views':
      case 'restore keys':
        return this.restore(what === 'restore keys' ? 'keys' : 'views');
      case 'rotate':
        this.start(2, () => this.shared.rotate());
        return;
      case 'rebuild':
        this.rebuild();
        return;
      case 'read':
        this.read(await this.running(at), at, id);
        return;
      case 'due':
      case 'project':
      case 'finish': {
        const process = await this.running(at);
        const work = {
          due: () => process.eraseDue(),
          project: () => process.project(),
          finish: () => process.finishErasures(),
        };
        this.start(at, work[what]);
        return;
      }
      case 'create':
      case 'update':
      case 'disable':
      case 'forget':
      case 'withdraw':
      case 'erase':
      case 'delete':
        this.change(await this.running(at), at, { what, id, key, personal, reason });
        return;
      default:
        return what satisfies never;
    }
  }

  /** A lease keeps a second one out. */
  private rebuild(): void {
    if (this.rebuilding) return;
    this.rebuilding = true;
    this.start(2, () =>
      this.shared.rebuild().finally(() => {
        this.rebuilding = false;
      }),
    );
  }

  private change(
    instance: Instance,
    at: number,
    {
      what,
      id,
      key,
      personal,
      reason,
    }: Pick<Step, 'id' | 'key' | 'personal' | 'reason'> & { readonly what: ChangeKind },
  ): void {
    const requestId = String(++this.clients);
    const sent = key === 0 ? undefined : key;
    const email = personal ? `${what}-${sent === undefined ? `n${requestId}` : `k${sent}`}@x` : undefined;
    if (email !== undefined) this.emails.set(requestId, email);
    const change: Change = { kind: what, id, key: sent, email, reason, requestId };
    this.start(
      at,
      async (lives) => {
        const answered = await instance.change(change);
        // One that ended meanwhile has told nobody, though a caught failure of its last call lets it come here.
        if (!lives()) return;
        for (const event of this.shared.log.stream(`customer-${id}`)) {
          if (readMetadata(event).requestId === requestId) this.mustBeSeen(id, event.revision);
          // Whoever did it: it was acknowledged to this one as well.
          if (what === 'erase' && event.type === 'CustomerErased') this.mustBeSeen(id, event.revision);
        }
        // Also where nothing was left to do: what it was answered with is not to be unseen again.
        if (answered !== undefined) this.mustBeSeen(id, answered.view.version);
      },
      id,
    );
  }

  private read(instance: Instance, at: number, id: string): void {
    this.start(
      at,
      async () => {
        const from = this.reached.get(id) ?? -1;
        const opened = await instance.read(id).catch((error: unknown) => {
          if (error instanceof CustomerError && error.code === 'not_found') return undefined;
          throw error;
        });
        this.judge(id, from, opened);
      },
      id,
    );
  }

  /** Whether what was read is what the customer was at some moment that the reader may be at. */
  private judge(id: string, from: number, opened: OpenedCustomer | undefined): void {
    const moments = this.momentsOf(id);
    const fits = (moment: Moment | undefined): boolean => {
      if (opened === undefined) return moment?.status === 'none' || moment?.status === 'deleted';
      return moment?.status === opened.view.status && moment.email === opened.email;
    };
    const revisions = opened === undefined ? range(from, moments.length - 2) : [opened.view.version];
    if (revisions.some((revision) => revision >= from && fits(moments[revision + 1]))) return;
    const seen =
      opened === undefined
        ? 'gone'
        : `${opened.view.status} at ${String(opened.view.version)}, ${String(opened.email)}`;
    this.problems.push(`${id} was read as ${seen}, from ${String(from)} on it is ${JSON.stringify(moments)}`);
  }

  /** After no event, after the first, and so on. By what was sent: nothing is opened for it. */
  private momentsOf(id: string): readonly Moment[] {
    const moments: Moment[] = [{ status: 'none', email: undefined }];
    let past: CustomerHistory | undefined;
    let email: string | undefined;
    for (const event of this.shared.log.stream(`customer-${id}`)) {
      past = foldCustomer([event], past);
      const { status } = past.state;
      if (status !== 'active') email = undefined;
      else if (event.type === 'CustomerCreated' || event.type === 'CustomerEmailChanged') {
        email = event.data['email'] === undefined ? undefined : this.emails.get(readMetadata(event).requestId);
      }
      moments.push({ status, email });
    }
    return moments;
  }

  private mustBeSeen(id: string, revision: number): void {
    this.reached.set(id, Math.max(revision, this.reached.get(id) ?? -1));
  }

  /** @param about whose customer an error is */
  private start(owner: number, work: (lives: () => boolean) => Promise<void>, about?: string): void {
    const number = ++this.clients;
    const client = `${String(owner)}-${String(number)}`;
    this.clientsOf[owner]?.add(client);
    this.shared.scheduler.start(client, () =>
      work(() => this.clientsOf[owner]?.has(client) === true).catch((error: unknown) => {
        this.judgeError(error, number, about);
      }),
    );
  }

  private judgeError(error: unknown, client: number, about: string | undefined): void {
    if (error instanceof Abandoned || error instanceof IdempotencyKeyReused) return;
    if (error instanceof KeyMissing) {
      const name = nameOf(error.ref);
      const wasLost = this.lost.has(name) || client <= (this.foundAgain.get(name) ?? -1);
      if (!wasLost) this.problems.push(`The key of ${name} was taken for lost`);
    } else if (error instanceof CustomerError) {
      const ended =
        about === undefined || this.momentsOf(about).some(({ status }) => status === 'erased' || status === 'deleted');
      if (error.code === 'customer_erased' && !ended) this.problems.push(`${about} lives and was taken for erased`);
    } else if (!(error instanceof StoreUnavailable)) {
      this.problems.push(error instanceof Error ? (error.stack ?? error.name) : 'failed');
    }
  }

  /** The process that serves, begun anew if it must be: it serves once both followers have reached the head they saw. */
  private async running(at: number): Promise<Instance> {
    const standing = this.instances[at];
    if (standing !== undefined) return standing;
    const instance = new Instance(this.shared);
    const heads = IDS.map((id) => [id, this.shared.log.stream(`customer-${id}`).length - 1] as const);
    for (let attempt = 0; !(await this.starts(instance, at)); attempt += 1) {
      if (attempt > 3) throw new Violation('A process does not start');
      this.putKeysBack();
    }
    for (const [id, head] of heads) this.mustBeSeen(id, head);
    this.instances[at] = instance;
    return instance;
  }

  /** Only these clients go on meanwhile: what others do in between, they can do before and after as well. */
  private async starts(instance: Instance, at: number): Promise<boolean> {
    let ready = 0;
    const before = this.clients;
    for (const work of [() => instance.project(), () => instance.finishErasures()]) {
      this.start(at, async () => {
        await work();
        ready += 1;
      });
    }
    for (;;) {
      const own = newestFirst(await this.shared.scheduler.rest()).filter((client) => numberOf(client) > before);
      const pick = this.picks[this.picked++ % this.picks.length] ?? 0;
      const next = own[pick % own.length];
      if (next === undefined) break;
      await this.shared.scheduler.step(next);
    }
    this.check();
    return ready === 2;
  }

  private async crash(at: number): Promise<void> {
    this.instances[at] = undefined;
    for (const client of this.clientsOf[at] ?? []) this.shared.scheduler.kill(client);
    this.clientsOf[at]?.clear();
    await this.shared.scheduler.rest();
  }

  private backup(store: 'views' | 'keys'): () => void {
    const { views, checkpoints, keys, keyCheckpoints } = this.shared;
    const parts = store === 'views' ? [views.backup(), checkpoints.backup()] : [keys.backup(), keyCheckpoints.backup()];
    return () => {
      for (const part of parts) part();
    };
  }

  private async restore(store: 'views' | 'keys'): Promise<void> {
    const restore = this.backups[store];
    if (restore === undefined) return;
    for (const at of [0, 1, 2]) await this.crash(at);
    this.everyKey();
    restore();
    for (const id of IDS) {
      const { state, hasSealed } = foldCustomer(this.shared.log.stream(`customer-${id}`));
      const ref = { subject: id, revision: state.life };
      if (state.status === 'active' && hasSealed && this.shared.keys.peek(ref).status !== 'active')
        this.lost.add(nameOf(ref));
    }
  }

  /** Every key that ever stood. */
  private readonly known = new Map<string, KeyState>();

  private everyKey(): void {
    for (const id of IDS) {
      for (let revision = 1; revision <= this.momentsOf(id).length; revision += 1) {
        const state = this.shared.keys.peek({ subject: id, revision });
        if (state.status === 'active') this.known.set(nameOf({ subject: id, revision }), state);
      }
    }
  }

  /** What an operator does when keys are missing after a restore: those of living customers come back. */
  private putKeysBack(): void {
    for (const id of IDS) {
      const { state } = foldCustomer(this.shared.log.stream(`customer-${id}`));
      const ref = { subject: id, revision: state.life };
      const key = this.known.get(nameOf(ref));
      if (this.lost.has(nameOf(ref)) && state.status === 'active' && key?.status === 'active')
        this.shared.keys.plant(ref, key);
    }
    for (const name of this.lost) this.foundAgain.set(name, this.clients);
    this.lost.clear();
  }

  /** All processes end and one begins: what stands then must be what the log says. */
  private async settle(): Promise<void> {
    for (const at of [0, 1, 2]) await this.crash(at);
    this.check();
    const instance = await this.running(0);
    for (const id of IDS) {
      this.checkEnded(id);
      this.read(instance, 0, id);
    }
    while (await this.oneCall());
    this.check();
    await this.checkRotated();
  }

  private checkEnded(id: string): void {
    const events = this.shared.log.stream(`customer-${id}`);
    const { state, hasSealed } = foldCustomer(events);
    const lives = state.status === 'active' ? state.life - 1 : state.life;
    for (let revision = 1; revision <= lives; revision += 1) {
      const { status } = this.shared.keys.peek({ subject: id, revision });
      if (status !== 'erased')
        throw new Violation(`The key of ${id} ${String(revision)}, whose life is over, is ${status}`);
    }
    const view = this.shared.views.peek(id);
    if (view !== undefined && view.status !== 'active' && viewHoldsPersonal(view))
      throw new Violation(`A view of ${id} is unredacted`);
    const ref = { subject: id, revision: state.life };
    const { status } = this.shared.keys.peek(ref);
    if (state.status !== 'active') return;
    if (status === 'erased') throw new Violation(`The key of ${id}, who lives, was destroyed`);
    if (hasSealed && status === 'none' && !this.lost.has(nameOf(ref))) throw new Violation(`The key of ${id} is gone`);
  }

  /** The older master key is destroyed in the end. */
  private async checkRotated(): Promise<void> {
    const { keys } = this.shared;
    const only = { id: 'last', key: new Uint8Array(32).fill(9) };
    const counts = await rotate(keys, new MasterKeys([only, ...MASTERS]));
    if (counts.unopened > 0) throw new Violation('A key opens with none of the master keys');
    const last = new MasterKeys([only]);
    for (const { purpose, key } of (await keys.notWrappedBy('', 1_000)).keys) last.unwrap(purpose, key);
  }
}

const numberOf = (client: string): number => Number(client.split('-')[1]);

/** So that most picks leave the older ones standing: what goes wrong does so where one was held up for long. */
const newestFirst = (clients: readonly string[]): readonly string[] =>
  clients.toSorted((one, other) => numberOf(other) - numberOf(one));

const nameOf = ({ subject, revision }: KeyRef): string => `${subject} ${String(revision)}`;

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);
