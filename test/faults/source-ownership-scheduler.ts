import { AsyncLocalStorage } from 'node:async_hooks';

/** A port's call of a client that stands still until it is let go on. */
interface Parked {
  readonly label: string;
  /** Neither sees nor does anything that another client could see or do: it may as well happen next. */
  readonly alone: boolean;
  readonly go: () => void;
  /** Resolves when it was let go on, or stopped. */
  readonly over: Promise<void>;
  readonly stop: (reason: Error) => void;
}

/** One for all schedulers: every storage in use makes every promise dearer. */
const currentClient = new AsyncLocalStorage<string>();

/**
 * Makes clients take turns at their calls of ports: each call stands still before it happens, until the scheduler lets
 * exactly one of them go on, up to its client's next call or its end. Between two calls a client is alone, so the order of
 * the calls is all the concurrency there is, and a list of client names replays a run.
 */
export class Scheduler {
  private readonly parked = new Map<string, Parked>();
  private readonly running = new Set<string>();
  /** What each client has been through: together with the stores' state it determines what it will do. */
  private readonly pasts = new Map<string, string[]>();
  private onRest: (() => void) | undefined;
  private abandoned = false;
  private readonly killed = new Set<string>();

  start(client: string, work: () => Promise<void>): void {
    this.running.add(client);
    this.pasts.set(client, []);
    void currentClient.run(client, work).finally(() => this.rests(client));
  }

  /** Wraps the call of a port. What is called outside of any client happens at once. */
  async turn<T>(label: string, call: () => Promise<T>, digest: (result: T) => string, alone = false): Promise<T> {
    const client = currentClient.getStore();
    if (client === undefined) return call();
    if (this.abandoned || this.killed.has(client)) throw new Abandoned();
    // Calls that a client makes at once happen one after the other.
    for (let first; (first = this.parked.get(client)) !== undefined;) await first.over;
    if (this.abandoned || this.killed.has(client)) throw new Abandoned();
    let over: () => void = () => undefined;
    const standing = new Promise<void>((resolve) => (over = resolve));
    await new Promise<void>((go, stop) => {
      this.parked.set(client, { label, alone, go, stop, over: standing });
      this.rests(client);
    }).finally(over);
    try {
      const result = await call();
      this.pasts.get(client)?.push(`${label} ${digest(result)}`);
      return result;
    } catch (error) {
      this.pasts.get(client)?.push(`${label} ${error instanceof Error ? error.name : 'failed'}`);
      throw error;
    }
  }

  /**
   * Resolves when every client stands before a call or is at its end.
   * @returns those of whom any can be the next to go on; one alone where the order makes no difference
   */
  async rest(): Promise<readonly string[]> {
    while (this.running.size > 0) await new Promise<void>((resolve) => (this.onRest = resolve));
    const ready = [...this.parked.keys()].sort();
    const alone = ready.find((client) => this.parked.get(client)?.alone);
    return alone === undefined ? ready : [alone];
  }

  /** Lets a client go on with its call. */
  async step(client: string): Promise<void> {
    const parked = this.parked.get(client);
    if (parked === undefined) throw new RangeError(`${client} has no call to go on with`);
    this.parked.delete(client);
    this.running.add(client);
    parked.go();
    await this.rest();
  }

  /** Ends a client before its call, and for good, as a crash of its process does: no call of it ever happens again. */
  kill(client: string): void {
    this.killed.add(client);
    const parked = this.parked.get(client);
    if (parked === undefined) return;
    this.parked.delete(client);
    this.running.add(client);
    parked.stop(new Abandoned());
  }

  /** Ends all clients where they stand: left standing they would keep their timers, and all they know. */
  abandon(): void {
    this.abandoned = true;
    for (const { stop } of this.parked.values()) stop(new Abandoned());
    this.parked.clear();
  }

  /** Two moments of one fingerprint (and of one state of the stores) have the same future. */
  get fingerprint(): string {
    return JSON.stringify([
      [...this.pasts].sort(),
      [...this.parked].map(([client, { label }]) => [client, label]).sort(),
    ]);
  }

  private rests(client: string): void {
    this.running.delete(client);
    if (this.running.size > 0) return;
    this.onRest?.();
    this.onRest = undefined;
  }
}

export class Abandoned extends Error {
  override readonly name = 'Abandoned';
}

/** Something whose clients can be run in any order, made anew for each order. */
export interface Run {
  readonly scheduler: Scheduler;
  /** Of everything the clients share. */
  fingerprint(): string;
  /** Called in every state that is reached. */
  check(): void;
  /** Called when all clients are at their end. */
  finish(): Promise<void>;
}

/**
 * Runs every order of the clients' calls, except those that come through a moment that was there before: what follows
 * from there is known already.
 * @param most moments after which it ends; in a race with more the orders are taken at random
 * @returns how many moments there were
 */
export async function everyOrder(begin: () => Promise<Run>, most: number, random: () => number): Promise<number> {
  const seen = new Set<string>();
  const open: (readonly string[])[] = [[]];
  while (open.length > 0 && seen.size < most) {
    const [prefix = []] = open.splice(Math.floor(random() * open.length), 1);
    const run = await begin();
    try {
      await runOrder(run, prefix, seen, open);
    } catch (error) {
      throw new Error(`In the order ${prefix.join(' ')} ...: ${error instanceof Error ? error.message : 'failed'}`, {
        cause: error,
      });
    } finally {
      run.scheduler.abandon();
    }
  }
  return seen.size;
}

async function runOrder(
  run: Run,
  prefix: readonly string[],
  seen: Set<string>,
  open: (readonly string[])[],
): Promise<void> {
  const { scheduler } = run;
  // eslint-disable-next-line no-useless-assignment -- read by the next turn of the scheduler
  let ready = await scheduler.rest();
  for (const client of prefix) {
    await scheduler.step(client);
    run.check();
  }
  for (let path = prefix; ;) {
    ready = await scheduler.rest();
    const moment = `${run.fingerprint()} ${scheduler.fingerprint}`;
    if (seen.has(moment)) return;
    seen.add(moment);
    const [next, ...others] = ready;
    if (next === undefined) return run.finish();
    for (const other of others) open.push([...path, other]);
    path = [...path, next];
    await scheduler.step(next);
    run.check();
  }
}
