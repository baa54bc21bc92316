import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../../event-sourcing/command-context.js';
import { CustomerExecution } from './customer-execution.js';

/** An erasure that fell due while the hold lasted is carried out within a minute. */
export class LiftLegalHold extends Command<void> {
  constructor(
    readonly id: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(LiftLegalHold)
export class LiftLegalHoldHandler implements ICommandHandler<LiftLegalHold> {
  constructor(private readonly customers: CustomerExecution) {}

  async execute({ id, context }: LiftLegalHold): Promise<void> {
    await this.customers.run({ kind: 'lift_hold', id }, context);
  }
}
