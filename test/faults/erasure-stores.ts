import type { CustomerView } from '../../src/customers/read-model/customer-view.js';
import { CustomerViews, type Generations } from '../../src/customers/read-model/customer-views.js';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { InMemorySubjectKeys } from '../support/in-memory-subject-keys.js';
import { MemoryCheckpoints } from './kernel-checkpoints.js';
import { MemoryLog } from './kernel-log.js';
import type { Scheduler } from './source-ownership-scheduler.js';

/** What came back is in the state of the stores already: nothing here depends on its digest. */
const seen = (): string => '';

export class SteppedLog extends MemoryLog {
  constructor(private readonly scheduler: Scheduler) {
    super();
  }
  override append(...args: Parameters<MemoryLog['append']>): ReturnType<MemoryLog['append']> {
    return this.scheduler.turn('append', () => super.append(...args), seen);
  }
  override read(...args: Parameters<MemoryLog['read']>): ReturnType<MemoryLog['read']> {
    return this.scheduler.turn('read', () => super.read(...args), seen);
  }
}

export class SteppedKeys extends InMemorySubjectKeys {
  constructor(private readonly scheduler: Scheduler) {
    super();
  }
  override find(...args: Parameters<InMemorySubjectKeys['find']>): ReturnType<InMemorySubjectKeys['find']> {
    return this.scheduler.turn('find key', () => super.find(...args), seen);
  }
  override findMany(...args: Parameters<InMemorySubjectKeys['findMany']>): ReturnType<InMemorySubjectKeys['findMany']> {
    return this.scheduler.turn('find keys', () => super.findMany(...args), seen);
  }
  override create(...args: Parameters<InMemorySubjectKeys['create']>): ReturnType<InMemorySubjectKeys['create']> {
    return this.scheduler.turn('make key', () => super.create(...args), seen);
  }
  override destroy(...args: Parameters<InMemorySubjectKeys['destroy']>): ReturnType<InMemorySubjectKeys['destroy']> {
    return this.scheduler.turn('destroy key', () => super.destroy(...args), seen);
  }
  override notWrappedBy(
    ...args: Parameters<InMemorySubjectKeys['notWrappedBy']>
  ): ReturnType<InMemorySubjectKeys['notWrappedBy']> {
    return this.scheduler.turn('page of keys', () => super.notWrappedBy(...args), seen);
  }
  override rewrap(...args: Parameters<InMemorySubjectKeys['rewrap']>): ReturnType<InMemorySubjectKeys['rewrap']> {
    return this.scheduler.turn('rewrap key', () => super.rewrap(...args), seen);
  }
}

export class SteppedCheckpoints extends MemoryCheckpoints {
  constructor(private readonly scheduler: Scheduler) {
    super();
  }
  override load(...args: Parameters<MemoryCheckpoints['load']>): ReturnType<MemoryCheckpoints['load']> {
    return this.scheduler.turn('load checkpoint', () => super.load(...args), seen);
  }
  override save(...args: Parameters<MemoryCheckpoints['save']>): ReturnType<MemoryCheckpoints['save']> {
    return this.scheduler.turn('save checkpoint', () => super.save(...args), seen);
  }
  backup(): () => void {
    const saved = new Map(this.saved);
    return () => {
      this.saved.clear();
      for (const [name, checkpoint] of saved) this.saved.set(name, checkpoint);
    };
  }
}

type Table = Map<string, CustomerView>;

/** As much of the port's contract as commands, single reads, followers and rebuilds use: writes go forward only. */
export class SteppedViews extends CustomerViews {
  private tables = new Map<number, Table>([[1, new Map()]]);
  private pointer: Generations = { live: 1 };
  private broken = 0;
  private failing = false;

  constructor(private readonly scheduler: Scheduler) {
    super();
  }

  override get interruptions(): number {
    return this.broken;
  }

  /** The next single read or write-through does not come through; a rebuild would wait for real. */
  failNext(): void {
    this.failing = true;
  }

  override get(id: string): Promise<CustomerView | undefined> {
    return this.turn('get view', () => this.reached(() => this.table().get(id)));
  }
  override getMany(ids: readonly string[], generation?: number): Promise<ReadonlyMap<string, CustomerView>> {
    return this.turn('get views', () => pick(ids, this.table(generation)));
  }
  override ids(after: string | undefined, limit: number): Promise<readonly string[]> {
    const all = [...this.table().keys()].filter((id) => after === undefined || id > after);
    return this.turn('view ids', () => all.sort().slice(0, limit));
  }
  override versions(ids: readonly string[], generation?: number): Promise<ReadonlyMap<string, number>> {
    return this.turn('versions', () => {
      const found = pick(ids, this.table(generation));
      return new Map([...found].map(([id, { version }]) => [id, version]));
    });
  }
  override save(views: readonly CustomerView[], generation?: number): Promise<void> {
    return this.turn('save views', () => {
      const { live, building } = generation === undefined ? this.reached(() => this.pointer) : this.pointer;
      const into = generation === undefined ? [live, ...(building === undefined ? [] : [building])] : [generation];
      for (const table of into.map((each) => this.table(each))) {
        for (const view of views) if ((table.get(view.id)?.version ?? -1) < view.version) table.set(view.id, view);
      }
    });
  }
  override dueForErasure(now: number, limit: number): Promise<readonly string[]> {
    return this.turn('due', () => {
      const due = [...this.table().values()].filter(
        ({ status, forgetDueAt }) => status === 'active' && forgetDueAt !== undefined && Date.parse(forgetDueAt) <= now,
      );
      return due.slice(0, limit).map(({ id }) => id);
    });
  }
  override generations(): Promise<Generations> {
    return this.turn('generations', () => this.pointer);
  }
  override startBuilding(): Promise<number> {
    return this.turn('start building', () => {
      if (this.pointer.building !== undefined) this.tables.delete(this.pointer.building);
      const building = Math.max(...this.tables.keys(), this.pointer.building ?? 0) + 1;
      this.tables.set(building, new Map());
      this.pointer = { live: this.pointer.live, building };
      return building;
    });
  }
  override goLive(generation: number): Promise<void> {
    return this.turn('go live', () => {
      this.pointer = { live: generation };
    });
  }
  override dropGeneration(generation: number): Promise<void> {
    return this.turn('drop', () => {
      this.tables.delete(generation);
      if (this.pointer.building === generation) this.pointer = { live: this.pointer.live };
    });
  }
  override list = (): Promise<never> => Promise.reject(new Error('Nothing here lists'));
  override health = (): Promise<void> => Promise.resolve();

  get live(): number {
    return this.pointer.live;
  }

  /** What stands, without a call. */
  peek(id: string): CustomerView | undefined {
    return this.table().get(id);
  }

  backup(): () => void {
    const copy = (tables: Map<number, Table>): Map<number, Table> =>
      new Map([...tables].map(([generation, table]) => [generation, new Map(table)]));
    const [tables, pointer] = [copy(this.tables), this.pointer];
    return () => {
      this.tables = copy(tables);
      this.pointer = pointer;
    };
  }

  private table(generation = this.pointer.live): Table {
    // What is written to a generation that was dropped is lost, as in the real ones.
    return this.tables.get(generation) ?? new Map<string, CustomerView>();
  }

  private turn<T>(label: string, call: () => T): Promise<T> {
    return this.scheduler.turn(label, async () => call(), seen);
  }

  private reached<T>(call: () => T): T {
    if (!this.failing) return call();
    this.failing = false;
    this.broken += 1;
    throw new StoreUnavailable('read_model');
  }
}

const pick = (ids: readonly string[], table: Table): Map<string, CustomerView> =>
  new Map(
    ids.flatMap((id) => {
      const view = table.get(id);
      return view === undefined ? [] : [[id, view] as const];
    }),
  );
