import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CommandContext, IdempotencyKeyReused, PreconditionFailed } from '../../event-sourcing/command-context.js';
import { OutcomeUnknown, StoreUnavailable } from '../../event-sourcing/store-errors.js';
import type { CustomerHistory } from '../customer-history.js';
import { activeOrRefuse } from '../domain/decide.js';
import { sourceNotChargeable } from '../domain/decide-sources.js';
import { CustomerError } from '../domain/errors.js';
import type { SourceFacts } from '../domain/events.js';
import type { AttachedSource } from '../domain/state.js';
import type { CustomerView } from '../read-model/customer-view.js';
import { SourceAttachment } from '../sources/source-attachment.js';
import { CustomerExecution } from './customer-execution.js';

export class AttachSource extends Command<AttachedSource> {
  constructor(
    readonly id: string,
    readonly sourceId: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** The claim on the source is the decision; the event of the customer that follows it is only its record. */
@CommandHandler(AttachSource)
export class AttachSourceHandler implements ICommandHandler<AttachSource> {
  constructor(
    private readonly customers: CustomerExecution,
    private readonly attachment: SourceAttachment,
  ) {}

  async execute({ id, sourceId, context }: AttachSource): Promise<AttachedSource> {
    const past = await this.attachment.load(id, context);
    if (this.isRecorded(past, context)) {
      return this.attach(id, { sourceId, state: 'chargeable', reusable: true }, past.state.life, context);
    }
    const customer = activeOrRefuse(id, past.state);
    if (context.ifMatch !== undefined && !context.ifMatch.includes(past.revision)) {
      throw new PreconditionFailed('The customer is at another version');
    }
    const attached = find(past.view, sourceId);
    if (attached !== undefined) return attached;
    if (customer.detachedSources?.includes(sourceId) === true) throw sourceNotChargeable();
    const owner = { customerId: id, life: customer.life };
    const source = await this.attachment.claim(sourceId, owner, 'attach', context);
    return this.attachClaimed(id, source, customer.life, context);
  }

  /** From the claim on others may roll it forward too: what comes of it is no longer this command's alone. */
  private async attachClaimed(
    id: string,
    source: SourceFacts,
    life: number,
    { ifMatch: _, ...context }: CommandContext,
  ): Promise<AttachedSource> {
    try {
      return await this.attach(id, source, life, context);
    } catch (error) {
      if (error instanceof StoreUnavailable) throw new OutcomeUnknown({ cause: error });
      if (!(error instanceof CustomerError)) throw error;
      const attached = await this.attachment.onceAttached(id, source.sourceId, context);
      if (attached === undefined) throw error;
      return attached;
    }
  }

  private isRecorded(past: CustomerHistory, { idempotency }: CommandContext): boolean {
    return idempotency !== undefined && past.commands.has(idempotency.commandId);
  }

  private async attach(
    id: string,
    source: SourceFacts,
    life: number,
    context: CommandContext,
  ): Promise<AttachedSource> {
    const { view } = await this.customers.run({ kind: 'attach_source', id, claim: { source, life } }, context);
    const attached = find(view, source.sourceId);
    if (attached !== undefined) return attached;
    // A repeat: of this attachment, undone since; or, where another finished the command, of what it was for in truth.
    const undone = await this.attachment.onceAttached(id, source.sourceId, context);
    throw undone === undefined ? new IdempotencyKeyReused('Used for another source') : sourceNotChargeable();
  }
}

const find = (view: CustomerView | undefined, sourceId: string): AttachedSource | undefined =>
  view?.sources.find(({ id }) => id === sourceId);
