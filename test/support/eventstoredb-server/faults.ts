import { setTimeout as delay } from 'node:timers/promises';
import type { RecordedLog } from './recorded-log.js';
import { notLeader, notReady, type Refusal, resetByPeer, unavailable } from './messages.js';
import type { Wire } from './wire.js';

export type AppendFault =
  | 'answer_lost'
  | 'answer_withheld'
  | 'dropped'
  | 'wrong_revision'
  | 'not_ready'
  | 'no_leader'
  | 'timed_out'
  | 'closed_cleanly';

/** A subscription that a client holds open; without a refusal it ends as if the log had an end. */
export interface OpenSubscription {
  end(refusal?: Refusal): void;
}

/** Holds whoever comes to it while it is closed, and lets them go in the order they came. */
class Gate {
  private waiting: (() => void)[] | undefined;

  get held(): number {
    return this.waiting?.length ?? 0;
  }

  close(): void {
    this.waiting ??= [];
  }

  open(): void {
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    for (const go of waiting) go();
  }

  async pass(): Promise<void> {
    const { waiting } = this;
    if (waiting) await new Promise<void>((resolve) => waiting.push(resolve));
  }
}

/** What goes wrong, on demand. What is for the next append strikes once, in the order asked for; the rest until lifted. */
export class Faults {
  readonly appends = new Gate();
  readonly reads = new Gate();
  readonly indexing = new Gate();
  /** Holds what is left of a read that has sent what it was to send. */
  readonly rests = new Gate();
  readonly subscriptions = new Set<OpenSubscription>();
  /** Every event is followed by a checkpoint, which the client reports before its consumer has taken the event. */
  marksAfterEveryEvent = false;
  /** How long the server takes to write an append, and then to index it, milliseconds. */
  writesTakeMs = 0;
  indexingTakesMs = 0;
  /** How late each answer is, milliseconds, asked anew for each. */
  lateness: (() => number) | undefined;
  /** How far ahead of the clients' the server's clock is, milliseconds. */
  clockAheadMs = 0;
  private readonly nextReads: { readonly events: number; readonly of: string }[] = [];
  private readonly nextAppends: AppendFault[] = [];
  private starting = false;
  private featuresRefused = 0;
  private elsewhere = 0;
  private eventsToKill: number | undefined;

  constructor(
    private readonly log: RecordedLog,
    private readonly wire: Wire,
  ) {}

  /** The next append is written, then the connection is gone; or it stays, and only the answer never comes. */
  loseNextAnswer(how: 'connection_cut' | 'silence' = 'connection_cut'): void {
    this.nextAppends.push(how === 'silence' ? 'answer_withheld' : 'answer_lost');
  }

  /** The connection is gone before the next append is written. */
  dropMidAppend(): void {
    this.nextAppends.push('dropped');
  }

  /** The next append is written, and the server says that it gave up waiting for it. */
  timeOutNextAppend(): void {
    this.nextAppends.push('timed_out');
  }

  /** The next appends are refused though their revision is right; nothing is written. */
  refuseWithWrongRevision(times = 1): void {
    for (let n = 0; n < times; n += 1) this.nextAppends.push('wrong_revision');
  }

  refuseNextAppend(reason: 'not_ready' | 'no_leader'): void {
    this.nextAppends.push(reason);
  }

  /** At the next append the stream that all appends share ends with success: the client never settles what waits on it. */
  closeAppendsCleanly(): void {
    this.nextAppends.push('closed_cleanly');
  }

  /** Appends arrive and wait; on {@link release} they are written, however long their writers have given up. */
  hangAppends(): void {
    this.appends.close();
  }

  /** Appends are written and do not come into the index: they are not answered, and the same ones again are dropped. */
  hangIndexing(): void {
    this.indexing.close();
  }

  /** New reads and subscriptions wait. */
  hangReads(): void {
    this.reads.close();
  }

  /** The next read of the stream (`$all` is one), or one of the next, sends so many events, then nothing more, nor its end. */
  hangNextReadAfter(events: number, of: string, reads = 1): void {
    for (let n = 1; n < reads; n += 1) this.nextReads.push({ events: Infinity, of });
    this.nextReads.push({ events, of });
    this.rests.close();
  }

  /** Resolves when an answer may go out that is ready now. */
  async late(): Promise<void> {
    if (this.lateness !== undefined) await delay(this.lateness());
  }

  /** Used up by being asked. */
  readHangsAfter(stream: string): number | undefined {
    const at = this.nextReads.findIndex(({ of }) => of === stream);
    return at < 0 ? undefined : this.nextReads.splice(at, 1)[0]?.events;
  }

  release(): void {
    this.nextReads.length = 0;
    this.rests.open();
    this.reads.open();
    this.appends.open();
    this.indexing.open();
  }

  /** As while a server starts: it answers, and refuses. */
  notReady(on = true): void {
    this.starting = on;
  }

  /** The next calls of any kind are told that another node leads, which is this one again. */
  notLeader(times = 1): void {
    this.elsewhere = times;
  }

  /** The question what the server can do, which a client asks before its first append, is reset. */
  refuseNextFeatures(): void {
    this.featuresRefused += 1;
  }

  /** Used up by being asked. */
  featuresRefusal(): Refusal | undefined {
    if (this.featuresRefused === 0) return undefined;
    this.featuresRefused -= 1;
    return resetByPeer;
  }

  endSubscriptionsCleanly(): void {
    this.endSubscriptions();
  }

  resetSubscriptions(): void {
    this.endSubscriptions(resetByPeer);
  }

  killSubscriptions(): void {
    this.endSubscriptions(unavailable);
  }

  /** The subscription that sends the nth event from now is killed right after it. */
  killSubscriptionAfter(events: number): void {
    this.eventsToKill = events;
  }

  earlyMarks(on = true): void {
    this.marksAfterEveryEvent = on;
  }

  /** The server is stopped, its disk exchanged for an empty one, and it is there again. */
  wipe(): void {
    this.wire.cut();
    this.log.wipe();
  }

  /** The same with a copy of the disk from when the log had so many records. */
  restoreBackup(count: number): void {
    this.wire.cut();
    this.log.restoreBackup(count);
  }

  lift(): void {
    this.nextAppends.length = 0;
    this.starting = false;
    this.featuresRefused = 0;
    this.elsewhere = 0;
    this.eventsToKill = undefined;
    this.marksAfterEveryEvent = false;
    this.lateness = undefined;
    this.writesTakeMs = this.indexingTakesMs = this.clockAheadMs = 0;
    this.release();
  }

  /** Faults of appends that have not yet struck. */
  get planned(): number {
    return this.nextAppends.length;
  }

  /** Used up by being asked. */
  nextAppend(): AppendFault | undefined {
    return this.nextAppends.shift();
  }

  get isStarting(): boolean {
    return this.starting;
  }

  /** What a call is refused with before anything is done for it. */
  refusal(): Refusal | undefined {
    if (this.starting) return notReady;
    return this.leaderElsewhere();
  }

  /** Used up by being asked. */
  leaderElsewhere(): Refusal | undefined {
    if (this.elsewhere === 0) return undefined;
    this.elsewhere -= 1;
    return notLeader(this.wire.port);
  }

  /** Whether the subscription that has just sent an event dies of it. */
  killsAfterThisEvent(): boolean {
    if (this.eventsToKill === undefined) return false;
    this.eventsToKill -= 1;
    if (this.eventsToKill > 0) return false;
    this.eventsToKill = undefined;
    return true;
  }

  private endSubscriptions(refusal?: Refusal): void {
    for (const subscription of [...this.subscriptions]) subscription.end(refusal);
  }
}
