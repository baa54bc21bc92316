import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../../event-sourcing/command-context.js';
import { CustomerExecution } from './customer-execution.js';

/** From then on the customer is neither erased nor deleted; what is due meanwhile waits. */
export class PlaceLegalHold extends Command<void> {
  constructor(
    readonly id: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(PlaceLegalHold)
export class PlaceLegalHoldHandler implements ICommandHandler<PlaceLegalHold> {
  constructor(private readonly customers: CustomerExecution) {}

  async execute({ id, context }: PlaceLegalHold): Promise<void> {
    await this.customers.run({ kind: 'place_hold', id }, context);
  }
}
