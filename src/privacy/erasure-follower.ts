import type { RecordedEvent } from '../event-sourcing/event-store.js';
import type { LogHandler } from '../event-sourcing/log-follower.js';
import { StreamDamaged } from '../event-sourcing/stream-damage.js';
import type { KeyRing } from './key-ring.js';
import type { KeyRef } from './subject-keys.js';

/** How the erasure follower finds what it must finish, without knowing whose values they are. */
export interface Erasures {
  readonly prefixes: readonly string[];
  /** The key that must be destroyed because of this event, if any. */
  keyEndedBy(event: RecordedEvent): KeyRef | undefined;
  /** Redacts the views of these events' subjects. Idempotent. */
  redact(events: readonly RecordedEvent[]): Promise<void>;
}

/**
 * Finishes erasures: an event has said that a life is over, so its view is redacted, then its key destroyed. The
 * checkpoint lives in the key store: a key store that comes back from a backup runs through all later erasures again.
 */
export class ErasureFollower implements LogHandler {
  readonly name = 'erasures';
  readonly prefixes: readonly string[];

  constructor(
    private readonly erasures: Erasures,
    private readonly keys: KeyRing,
  ) {
    this.prefixes = erasures.prefixes;
  }

  checkpointName(): Promise<string> {
    return Promise.resolve(this.name);
  }

  async handle(events: readonly RecordedEvent[]): Promise<void> {
    const endings = events.filter((event) => this.erasures.keyEndedBy(event) !== undefined);
    if (endings.length === 0) return;
    const damage = await this.erasures.redact(endings).then(() => undefined, ifDamaged);
    // What is wrong with a customer's stream behind its end keeps no key alive.
    await Promise.all(endings.map((event) => this.destroy(this.erasures.keyEndedBy(event))));
    if (damage !== undefined) throw damage;
  }

  private async destroy(ref: KeyRef | undefined): Promise<void> {
    if (ref !== undefined) await this.keys.destroy(ref);
  }
}

function ifDamaged(error: unknown): StreamDamaged {
  if (error instanceof StreamDamaged) return error;
  throw error;
}
