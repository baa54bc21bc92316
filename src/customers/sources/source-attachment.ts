import { Injectable } from '@nestjs/common';
import { Clock } from '../../event-sourcing/clock.js';
import type { CommandContext } from '../../event-sourcing/command-context.js';
import { readInTime } from '../../event-sourcing/command-execution.js';
import { EventStore } from '../../event-sourcing/event-store.js';
import { type CustomerHistory, foldCustomer } from '../customer-history.js';
import { CustomerStreams } from '../customer-streams.js';
import { CustomerError } from '../domain/errors.js';
import type { SourceFacts } from '../domain/events.js';
import type { AttachedSource } from '../domain/state.js';
import { customerStream } from '../streams.js';
import { cancelled, type ClaimedBy, type Owner } from './source.js';
import { SourceDirectory } from './source-directory.js';
import { SourceOwnership } from './source-ownership.js';

/** What comes before a source can stand in a customer's event: the customer is read, the source looked up and claimed. */
@Injectable()
export class SourceAttachment {
  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly directory: SourceDirectory,
    private readonly ownership: SourceOwnership,
    private readonly streams: CustomerStreams,
  ) {}

  /** @throws StreamDamaged the customer is set aside */
  load(customerId: string, { deadline }: CommandContext): Promise<CustomerHistory> {
    return this.streams.guard(customerId, async () => {
      const history = await readInTime(this.store, this.clock, customerStream(customerId), deadline);
      if (history.length === 0) await this.streams.refuseRemoved(customerId);
      return foldCustomer(history);
    });
  }

  /** The source as it was attached to the customer, be it detached since, or the customer gone. */
  async onceAttached(
    customerId: string,
    sourceId: string,
    { deadline }: CommandContext,
  ): Promise<AttachedSource | undefined> {
    const events = await readInTime(this.store, this.clock, customerStream(customerId), deadline);
    const at = events.findIndex(({ type, data }) => type === 'SourceAttached' && data['sourceId'] === sourceId);
    return foldCustomer(events.slice(0, at + 1)).view?.sources.find(({ id }) => id === sourceId);
  }

  /**
   * @throws CustomerError source_not_found, nonreusable_source, source_not_chargeable, source_in_use
   * @throws StoreUnavailable the source directory is out of reach
   */
  async claim(sourceId: string, owner: Owner, by: ClaimedBy, context: CommandContext): Promise<SourceFacts> {
    const found = await this.directory.find(sourceId);
    if (found === undefined) throw new CustomerError('source_not_found', 'sourceId', 'Source not found');
    if (found.state !== 'chargeable') throw cancelled();
    if (!found.reusable) throw new CustomerError('nonreusable_source', 'sourceId', 'The source cannot be reused');
    const { type, state, reusable } = found;
    const source: SourceFacts = { sourceId, ...(type !== undefined && { type }), state, reusable };
    await this.ownership.claim(source, owner, by, context);
    return source;
  }
}
