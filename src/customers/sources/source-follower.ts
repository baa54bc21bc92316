import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../event-sourcing/clock.js';
import { readMetadata } from '../../event-sourcing/envelope.js';
import type { EventStore, RecordedEvent } from '../../event-sourcing/event-store.js';
import { QUARANTINE_STREAM, STREAM_RELEASED } from '../../event-sourcing/holds.js';
import type { LogHandler } from '../../event-sourcing/log-follower.js';
import { StreamDamaged } from '../../event-sourcing/stream-damage.js';
import { CUSTOMER_PREFIX } from '../streams.js';
import { SOURCE_PREFIX, sourceIdOf, sourceStream } from './source-events.js';
import type { SourceOwnership } from './source-ownership.js';

/** So long the claimant itself has to record its attachment, before a claim counts as left behind by a crash. */
const CLAIM_GRACE_MS = 5_000;

const SETTLE_BUDGET_MS = 4_000;

/** Finishes what a crash left between a customer and its sources: claims without attachment, ends the source was not told. */
export class SourceFollower implements LogHandler {
  readonly name = 'sources';
  readonly prefixes = [CUSTOMER_PREFIX, SOURCE_PREFIX, QUARANTINE_STREAM];

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly ownership: SourceOwnership,
  ) {}

  checkpointName(): Promise<string> {
    return Promise.resolve(this.name);
  }

  async handle(events: readonly RecordedEvent[], signal: AbortSignal): Promise<void> {
    for (const event of events) {
      for (const sourceId of await this.touchedBy(event, signal)) {
        await this.settle(sourceId);
      }
    }
  }

  /** A source that is set aside is settled once it is released; a customer must not wait for it. */
  private async settle(sourceId: string): Promise<void> {
    try {
      await this.ownership.settle(sourceId, this.clock.now() + SETTLE_BUDGET_MS);
    } catch (error) {
      if (!(error instanceof StreamDamaged) || error.stream !== sourceStream(sourceId)) throw error;
    }
  }

  private async touchedBy(event: RecordedEvent, signal: AbortSignal): Promise<readonly string[]> {
    switch (event.type) {
      case 'SourceClaimed': {
        const age = this.clock.now() - readMetadata(event).at;
        if (age < CLAIM_GRACE_MS) await delay(CLAIM_GRACE_MS - age, undefined, { signal });
        return [sourceIdOf(event.stream)];
      }
      case 'SourceDetached':
        return typeof event.data['sourceId'] === 'string' ? [event.data['sourceId']] : [];
      case 'CustomerErased':
      case 'CustomerDeleted':
        return this.everAttached(event.stream);
      case STREAM_RELEASED:
        return this.touchedByRelease(event.data['stream']);
      default:
        return [];
    }
  }

  private async touchedByRelease(stream: unknown): Promise<readonly string[]> {
    if (typeof stream !== 'string') return [];
    return stream.startsWith(SOURCE_PREFIX) ? [sourceIdOf(stream)] : this.everAttached(stream);
  }

  private async everAttached(stream: string): Promise<readonly string[]> {
    const events = await this.store.read(stream);
    const ids = events.filter(({ type }) => type === 'SourceAttached').map(({ data }) => data['sourceId']);
    return ids.filter((id) => typeof id === 'string');
  }
}
