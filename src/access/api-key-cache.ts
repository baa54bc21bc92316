import { Injectable } from '@nestjs/common';
import { Clock } from '../event-sourcing/clock.js';
import { within } from '../event-sourcing/deadline.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { ApiKeys, type StoredApiKey } from './api-keys.js';

/** A revocation by another process takes effect at most so much later, while the store answers. */
const FRESH_MS = 1_000;
/** The same while it does not: so long does a key outlive what is known of it. */
const MAX_AGE_MS = 60_000;
/** So long is a look-up waited for where an older answer is at hand. */
const PATIENCE_MS = 300;
/** So long where none is: the store has time-outs of its own, and no request may hang. */
const LOOK_UP_MS = 2_000;
const MAX_ENTRIES = 10_000;

interface Held {
  readonly key: StoredApiKey;
  /** When the look-up began. */
  readonly at: number;
}

interface LookUp {
  readonly found: Promise<StoredApiKey | undefined>;
  /** The same, rejected early: whoever joins late does not wait anew. */
  readonly foundSoon: Promise<StoredApiKey | undefined>;
}

/**
 * Spares the look-up of a key that was looked up just now, and carries known keys over an outage of their store. Unknown
 * keys are not kept: a new one works at once. The keys that were not used for longest go first.
 */
@Injectable()
export class ApiKeyCache {
  private readonly held = new Map<string, Held>();
  private readonly lookUps = new Map<string, LookUp>();

  constructor(
    private readonly keys: ApiKeys,
    private readonly clock: Clock,
  ) {}

  /** @throws StoreUnavailable('api_keys') */
  async findByHash(secretHash: string): Promise<StoredApiKey | undefined> {
    const held = this.held.get(secretHash);
    const age = held === undefined ? Infinity : this.clock.now() - held.at;
    // A clock that was set back must not keep a key for longer.
    if (held === undefined || age < 0 || age >= MAX_AGE_MS) return this.lookUp(secretHash).found;
    if (age >= FRESH_MS) return this.lookUpOr(secretHash, held);
    this.hold(secretHash, held);
    return held.key;
  }

  private async lookUpOr(secretHash: string, { key }: Held): Promise<StoredApiKey | undefined> {
    try {
      return await this.lookUp(secretHash).foundSoon;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return key;
    }
  }

  /** One at a time for each key. It goes on, and counts, when nobody waits for it any longer. */
  private lookUp(secretHash: string): LookUp {
    const underWay = this.lookUps.get(secretHash);
    if (underWay !== undefined) return underWay;
    const found = this.askStore(secretHash).finally(() => this.lookUps.delete(secretHash));
    const foundSoon = within(PATIENCE_MS, found, outOfReach);
    // It may be waited for by nobody.
    foundSoon.catch(() => undefined);
    const lookUp = { found, foundSoon };
    this.lookUps.set(secretHash, lookUp);
    return lookUp;
  }

  private async askStore(secretHash: string): Promise<StoredApiKey | undefined> {
    const at = this.clock.now();
    const key = await within(LOOK_UP_MS, this.keys.findByHash(secretHash), outOfReach);
    if (key === undefined) this.held.delete(secretHash);
    else this.hold(secretHash, { key, at });
    return key;
  }

  /** A Map keeps the order in which entries came in: the one used last goes to its end. */
  private hold(secretHash: string, held: Held): void {
    this.held.delete(secretHash);
    this.held.set(secretHash, held);
    const [eldest] = this.held.keys();
    if (this.held.size > MAX_ENTRIES && eldest !== undefined) this.held.delete(eldest);
  }
}

const outOfReach = (): StoreUnavailable => new StoreUnavailable('api_keys');
