import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../event-sourcing/clock.js';
import { type CommandContext, IdempotencyKeyReused, systemContext } from '../../event-sourcing/command-context.js';
import { type CommandOn, execute, readInTime } from '../../event-sourcing/command-execution.js';
import { type EventDraft, readMetadata, SCHEMA_VERSION } from '../../event-sourcing/envelope.js';
import { EventStore, type JsonObject, type RecordedEvent } from '../../event-sourcing/event-store.js';
import { Quarantine } from '../../event-sourcing/quarantine.js';
import { CustomerExecution } from '../commands/customer-execution.js';
import { type CustomerHistory, foldCustomer } from '../customer-history.js';
import { CustomerError } from '../domain/errors.js';
import type { SourceFacts } from '../domain/events.js';
import { customerStream } from '../streams.js';
import {
  claim,
  type Claim,
  type ClaimedBy,
  type Owner,
  sameOwner,
  type SourceEvent,
  type SourceState,
} from './source.js';
import { foldSource, sourceStream } from './source-events.js';

/**
 * A source belongs to one customer at most. Its own stream is the truth of that; the customer's event follows the claim.
 * A claim is never taken over: it is rolled forward, cancelled when its attachment has ended, by itself or with its owner's
 * life, and released only where it never had an effect and never can.
 */
@Injectable()
export class SourceOwnership {
  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly customers: CustomerExecution,
    private readonly quarantine: Quarantine,
  ) {}

  /** After this the source is this owner's, come what may. @throws CustomerError source_in_use, source_not_chargeable */
  async claim(source: SourceFacts, owner: Owner, by: ClaimedBy, context: CommandContext): Promise<void> {
    const commandId = by === 'attach' ? context.idempotency?.commandId : undefined;
    const decideClaim = (state: SourceState): readonly SourceEvent[] => claim(state, owner, by, source, commandId);
    try {
      await this.append(source.sourceId, context, decideClaim);
    } catch (error) {
      if (!(error instanceof CustomerError) || error.code !== 'source_in_use') throw error;
      // The one in whose way it stands may be gone for long, with only the news of it missing here.
      await this.settle(source.sourceId, context.deadline);
      await this.append(source.sourceId, context, decideClaim);
    }
  }

  /** Brings a source's stream in line with what became of its claim. Idempotent; safe beside the claimant itself. */
  settle(sourceId: string, deadline: number): Promise<void> {
    return this.quarantine.guard(sourceStream(sourceId), () => this.bringInLine(sourceId, deadline));
  }

  private async bringInLine(sourceId: string, deadline: number): Promise<void> {
    const system = systemContext('source-ownership', deadline);
    const state = foldSource(await readInTime(this.store, this.clock, sourceStream(sourceId), deadline));
    if (state.status !== 'claimed') return;
    const stream = customerStream(state.owner.customerId);
    const history = await readInTime(this.store, this.clock, stream, deadline);
    const customer = foldCustomer(history);
    switch (whatBecameOf(state, customer, history)) {
      case 'attached':
      case 'pending':
        return;
      case 'unattached':
        if (!(await this.rollForward(state, customer, system))) await this.settle(sourceId, deadline);
        return;
      case 'over':
        await this.end(sourceId, state, 'SourceCancelled', system);
        return;
      case 'void':
        await this.end(sourceId, state, 'SourceReleased', system);
    }
  }

  /** @returns false when the customer has moved on: what became of the claim must be looked at again */
  private async rollForward(
    { owner, commandIds, source }: Claim,
    { commands }: CustomerHistory,
    system: CommandContext,
  ): Promise<boolean> {
    const { customerId, life } = owner;
    // Under the name of a claiming command: whatever else it was meant to do can't take effect any more, nor this if that has.
    const commandId = commandIds?.find((id) => !commands.has(id));
    const context = commandId === undefined ? system : { ...system, idempotency: { commandId } };
    try {
      await this.customers.run({ kind: 'attach_source', id: customerId, claim: { source, life } }, context);
      return true;
    } catch (error) {
      // A refusal of the owner's is not the answer to whoever asked for the source.
      if (error instanceof CustomerError || error instanceof IdempotencyKeyReused) return false;
      throw error;
    }
  }

  private async end(
    sourceId: string,
    seen: Claim,
    type: 'SourceCancelled' | 'SourceReleased',
    context: CommandContext,
  ) {
    await this.append(sourceId, context, (state) =>
      state.status === 'claimed' && sameOwner(state.owner, seen.owner) && sameCommand(state, seen)
        ? [{ type, data: seen.owner }]
        : [],
    );
  }

  private async append(
    sourceId: string,
    context: CommandContext,
    decide: (state: SourceState) => readonly SourceEvent[],
  ): Promise<void> {
    const stream = sourceStream(sourceId);
    const command: CommandOn<{ readonly drafts: readonly EventDraft[] }> = {
      stream,
      deadline: context.deadline,
      expectNew: false,
      decide: (history) => Promise.resolve({ drafts: this.draft(decide(foldSource(history)), context, history) }),
    };
    await this.quarantine.guard(stream, () => execute(this.store, this.clock, command));
  }

  private draft(
    events: readonly SourceEvent[],
    context: CommandContext,
    history: readonly RecordedEvent[],
  ): readonly EventDraft[] {
    const commandId = context.idempotency?.commandId ?? randomUUID();
    const last = history.at(-1);
    return events.map(({ type, data }) => ({
      type,
      data: { ...data } satisfies JsonObject,
      metadata: {
        $correlationId: context.requestId,
        $causationId: commandId,
        commandId,
        actor: context.actor,
        requestId: context.requestId,
        ...(context.traceparent !== undefined && { traceparent: context.traceparent }),
        at: Math.max(this.clock.now(), last ? readMetadata(last).at : 0),
        schemaVersion: SCHEMA_VERSION,
      },
    }));
  }
}

const sameCommand = (a: Claim, b: Claim): boolean => a.by === b.by && a.commandIds?.join() === b.commandIds?.join();

/**
 * - `pending`: the life it was claimed for has not begun; whoever creates it brings the claim along, or makes it void
 * - `void`: it never had an effect and never can, for that life was begun by another creation, or is over, or all its
 *   commands took effect with another source before
 */
function whatBecameOf(
  { owner, by, commandIds, source: { sourceId } }: Claim,
  { state, commands }: CustomerHistory,
  history: readonly RecordedEvent[],
): 'attached' | 'unattached' | 'over' | 'void' | 'pending' {
  if (owner.life > state.life) return 'pending';
  const living = owner.life === state.life && state.status === 'active';
  if (living && state.sources.some(({ id }) => id === sourceId)) return 'attached';
  // In this life, for a source that was attached in one before is cancelled and can't be claimed.
  const wasAttached = history.some(({ type, data }) => type === 'SourceAttached' && data['sourceId'] === sourceId);
  if (wasAttached) return 'over';
  const refused = commandIds?.every((id) => commands.has(id)) ?? false;
  return living && by === 'attach' && !refused ? 'unattached' : 'void';
}
