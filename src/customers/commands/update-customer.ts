import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../../event-sourcing/command-context.js';
import type { CustomerChanges } from '../domain/changes.js';
import type { OpenedCustomer } from '../read-model/opened-customer.js';
import { CustomerExecution } from './customer-execution.js';

export class UpdateCustomer extends Command<OpenedCustomer> {
  constructor(
    readonly id: string,
    readonly changes: CustomerChanges,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(UpdateCustomer)
export class UpdateCustomerHandler implements ICommandHandler<UpdateCustomer> {
  constructor(private readonly customers: CustomerExecution) {}

  async execute({ id, changes, context }: UpdateCustomer): Promise<OpenedCustomer> {
    return this.customers.run({ kind: 'update', id, changes }, context);
  }
}
