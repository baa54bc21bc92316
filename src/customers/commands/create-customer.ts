import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import type { CommandContext } from '../../event-sourcing/command-context.js';
import type { CustomerChanges } from '../domain/changes.js';
import type { Claimed } from '../domain/decide-sources.js';
import type { OpenedCustomer } from '../read-model/opened-customer.js';
import { SourceAttachment } from '../sources/source-attachment.js';
import { CustomerExecution } from './customer-execution.js';
import { idFromCommand } from './id-from-command.js';

export class CreateCustomer extends Command<OpenedCustomer> {
  constructor(
    readonly id: string | undefined,
    readonly changes: CustomerChanges,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(CreateCustomer)
export class CreateCustomerHandler implements ICommandHandler<CreateCustomer> {
  constructor(
    private readonly customers: CustomerExecution,
    private readonly attachment: SourceAttachment,
  ) {}

  async execute({ id: wanted, changes, context }: CreateCustomer): Promise<OpenedCustomer> {
    const { idempotency } = context;
    const id = wanted ?? (idempotency ? idFromCommand(idempotency.commandId) : randomUUID());
    const claim = await this.claimDefaultSource(id, changes, context);
    const isNew = wanted === undefined && idempotency === undefined && claim === undefined;
    return this.customers.run({ kind: 'create', id, changes, ...(claim && { claim }) }, context, isNew);
  }

  private async claimDefaultSource(
    id: string,
    { defaultSourceId }: CustomerChanges,
    context: CommandContext,
  ): Promise<Claimed | undefined> {
    if (defaultSourceId == null) return undefined;
    const past = await this.attachment.load(id, context);
    // Not to be created: the command itself finds out whether it is a repeat or a refusal, and claims nothing.
    if (past.state.status === 'active' || past.state.status === 'erased') return undefined;
    if (context.idempotency && past.commands.has(context.idempotency.commandId)) return undefined;
    const life = past.state.life + 1;
    return { source: await this.attachment.claim(defaultSourceId, { customerId: id, life }, 'create', context), life };
  }
}
