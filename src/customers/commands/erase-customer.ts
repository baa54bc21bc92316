import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Clock } from '../../event-sourcing/clock.js';
import type { CommandContext } from '../../event-sourcing/command-context.js';
import type { ErasureCause } from '../domain/events.js';
import { isoTime } from '../read-model/project.js';
import { CustomerExecution } from './customer-execution.js';

/** Whether a request that is due is still open is decided again from the stream: withdrawn meanwhile means nothing to do. */
export class EraseCustomer extends Command<void> {
  constructor(
    readonly id: string,
    readonly cause: ErasureCause,
    readonly context: CommandContext,
    readonly reasonCode?: string,
  ) {
    super();
  }
}

@CommandHandler(EraseCustomer)
export class EraseCustomerHandler implements ICommandHandler<EraseCustomer> {
  constructor(
    private readonly customers: CustomerExecution,
    private readonly clock: Clock,
  ) {}

  async execute({ id, cause, context, reasonCode }: EraseCustomer): Promise<void> {
    const now = isoTime(this.clock.now());
    const why = { cause, ...(reasonCode !== undefined && { reasonCode }) };
    await this.customers.run({ kind: 'erase', id, ...why, now }, context);
  }
}
