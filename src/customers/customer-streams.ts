import { Injectable } from '@nestjs/common';
import { EventStore } from '../event-sourcing/event-store.js';
import { Quarantine } from '../event-sourcing/quarantine.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { StreamDamaged } from '../event-sourcing/stream-damage.js';
import { CustomerViews } from './read-model/customer-views.js';
import { customerStream } from './streams.js';

/** Keeps whoever works on a customer's stream away from one that is damaged. */
@Injectable()
export class CustomerStreams {
  constructor(
    private readonly quarantine: Quarantine,
    private readonly store: EventStore,
    private readonly views: CustomerViews,
  ) {}

  /** @throws StreamDamaged it is set aside, or the work has found that it must be */
  guard<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.quarantine.guard(customerStream(id), work);
  }

  isSetAside(id: string): boolean {
    return this.quarantine.isSetAside(customerStream(id));
  }

  /** Sets aside the stream that the error names. @returns false while that can't be recorded */
  async isSetAsideFor(damaged: StreamDamaged): Promise<boolean> {
    await this.quarantine.report(damaged);
    return this.quarantine.isSetAside(damaged.stream);
  }

  /**
   * For a stream that reads as absent, where it makes a difference whether it ever was: a view is written only after its
   * events, so a view without a stream is what a deleted stream has left.
   * @throws StreamDamaged removed
   */
  async refuseRemoved(id: string): Promise<void> {
    this.quarantine.refuse(customerStream(id));
    if (!(await this.isShown(id))) return;
    const stream = customerStream(id);
    // Created in the meantime, both are there.
    const [first] = await this.store.read(stream, { limit: 1 });
    if (first === undefined) await this.refuse(new StreamDamaged(stream, 'removed'));
  }

  /** As {@link refuseRemoved}, where a key tells of an earlier life: the view may be gone as well. @throws StreamDamaged */
  async refuseRemovedOf(id: string): Promise<void> {
    await this.refuseRemoved(id);
    const stream = customerStream(id);
    const damage = await this.store.damageOf(stream);
    if (damage !== undefined) await this.refuse(new StreamDamaged(stream, damage));
  }

  private async refuse(damaged: StreamDamaged): Promise<never> {
    await this.quarantine.report(damaged);
    throw damaged;
  }

  /** Writes go on while the views are out of reach: a stream that was deleted is then found by what was appended to it. */
  private async isShown(id: string): Promise<boolean> {
    try {
      return (await this.views.get(id)) !== undefined;
    } catch (error) {
      if (error instanceof StoreUnavailable) return false;
      throw error;
    }
  }
}
