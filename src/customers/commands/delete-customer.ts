import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../../event-sourcing/command-context.js';
import { CustomerExecution } from './customer-execution.js';

export class DeleteCustomer extends Command<void> {
  constructor(
    readonly id: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** Done once the event is appended and the view redacted; the erasure follower destroys the key. */
@CommandHandler(DeleteCustomer)
export class DeleteCustomerHandler implements ICommandHandler<DeleteCustomer> {
  constructor(private readonly customers: CustomerExecution) {}

  async execute({ id, context }: DeleteCustomer): Promise<void> {
    await this.customers.run({ kind: 'delete', id }, context);
  }
}
