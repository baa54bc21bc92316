import { setTimeout as delay } from 'node:timers/promises';
import type { Checkpoints } from '../event-sourcing/checkpoints.js';
import type { Clock } from '../event-sourcing/clock.js';
import { LeasedWork } from '../event-sourcing/leased-work.js';
import { type FailureLog, RepeatedFailure } from '../event-sourcing/repeated-failure.js';
import { StreamDamaged } from '../event-sourcing/stream-damage.js';
import type { LogCheckpoints } from './log-checkpoints.js';
import { PLACES, type ReceiptPayload, signReceipt } from './receipt.js';
import type { NotedErasure, Receipts } from './receipts.js';
import type { SigningRing } from './signing-ring.js';
import type { KeyRef, SubjectKeys } from './subject-keys.js';

const LEASE = 'receipt-issuing';
const LOOK_EVERY_MS = 500;
const PAGE = 200;
const DAY_MS = 86_400_000;

/** What a receipt says that the log and the views know. */
export interface LifeEndings {
  /** Undefined while something of it is still to be done, and where the log does not know of it. */
  done(ref: KeyRef): Promise<DoneErasure | undefined>;
}

export type DoneErasure = Pick<
  ReceiptPayload,
  'customerId' | 'life' | 'cause' | 'reasonCode' | 'requestedTime' | 'erasedTime' | 'event'
>;

export interface IssuerParts {
  readonly receipts: Receipts;
  /** In the database of the receipts. */
  readonly checkpoints: Checkpoints;
  readonly subjectKeys: Pick<SubjectKeys, 'find'>;
  readonly endings: LifeEndings;
  readonly logCheckpoints: LogCheckpoints;
  readonly ring: SigningRing;
  readonly clock: Clock;
  readonly log: FailureLog;
  /** For so long a cache of another instance may hold a key that is destroyed; 0 where there is none. */
  readonly cachesMs: number;
  /** After so many days a master key is destroyed, and what it wraps in old backups with it. */
  readonly epochDays?: number;
  /** Whether this instance issues; else it leaves that to others. */
  readonly issues: boolean;
}

/**
 * Issues receipts, one instance at a time. One is issued only once the log says the erasure, the view is redacted, the key
 * destroyed, no cache can hold it, and a signed checkpoint covers the event; all of that is looked at anew after a crash,
 * and of two that issue at once the first one's receipt stands.
 */
export class ReceiptIssuer {
  private readonly work: LeasedWork;
  /** When an erasure was first seen done, by the name of its key. */
  private readonly seenDone = new Map<string, number>();
  private readonly failing: RepeatedFailure;

  constructor(private readonly parts: IssuerParts) {
    this.failing = new RepeatedFailure({ log: parts.log, what: 'receipts could not be issued' });
    this.work = new LeasedWork({
      checkpoints: parts.checkpoints,
      lease: LEASE,
      work: (signal) => this.rounds(signal),
      failed: (error) => {
        this.failing.failed(error);
      },
    });
  }

  start(): void {
    if (this.parts.issues) this.work.start();
  }

  stop(): Promise<void> {
    return this.work.stop();
  }

  private async rounds(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        await this.round(signal);
        this.failing.recovered();
        await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      this.seenDone.clear();
    }
  }

  /** The oldest first. What no checkpoint covers yet, none covers that came after it. */
  private async round(signal: AbortSignal): Promise<void> {
    const { receipts, logCheckpoints } = this.parts;
    let after: NotedErasure | undefined;
    for (;;) {
      const page = await receipts.pending(PAGE, after);
      for (const noted of page) {
        if (signal.aborted) return;
        const checkpoint = await logCheckpoints.covering(noted.position);
        if (checkpoint === undefined) return;
        await this.issue(noted.ref, checkpoint).catch(laterIfDamaged);
      }
      if (page.length < PAGE) return;
      after = page.at(-1);
    }
  }

  private async issue(ref: KeyRef, checkpoint: string): Promise<void> {
    const { subjectKeys, endings, receipts, ring, clock, cachesMs } = this.parts;
    const key = await subjectKeys.find(ref);
    const done = key.status === 'erased' ? await endings.done(ref) : undefined;
    const name = `${String(ref.revision)} ${ref.subject}`;
    if (key.status !== 'erased' || done === undefined) return void this.seenDone.delete(name);
    const now = clock.now();
    const since = this.seenDone.get(name) ?? now;
    this.seenDone.set(name, since);
    if (now - since < cachesMs) return;
    const { fingerprint } = key;
    const payload: ReceiptPayload = {
      type: 'customer-erasure',
      version: 1,
      ...done,
      issuedTime: new Date(now).toISOString(),
      keys: fingerprint === undefined ? [] : [{ revision: ref.revision, fingerprint }],
      places: PLACES,
      checkpoint,
      planned: { backupsUnreadableTime: this.plannedAfter(Date.parse(done.erasedTime)) },
    };
    await receipts.issue(ref, signReceipt(payload, ring));
    this.seenDone.delete(name);
  }

  private plannedAfter(erasedAt: number): string | null {
    const { epochDays } = this.parts;
    return epochDays === undefined ? null : new Date(erasedAt + epochDays * DAY_MS).toISOString();
  }
}

/** The one is set aside, and its receipt waits for the release; the others get theirs. */
function laterIfDamaged(error: unknown): void {
  if (!(error instanceof StreamDamaged)) throw error;
}
