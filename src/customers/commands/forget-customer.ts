import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { CONFIG, type Config } from '../../config.js';
import { Clock } from '../../event-sourcing/clock.js';
import type { CommandContext } from '../../event-sourcing/command-context.js';
import type { CustomerChanges } from '../domain/changes.js';
import type { OpenedCustomer } from '../read-model/opened-customer.js';
import { isoTime } from '../read-model/project.js';
import { CustomerExecution } from './customer-execution.js';

const DAY_MS = 86_400_000;

/** Asks for the customer to be forgotten; other changes of the same body ride along in one append. */
export class ForgetCustomer extends Command<OpenedCustomer> {
  constructor(
    readonly id: string,
    readonly changes: CustomerChanges,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForgetCustomer)
export class ForgetCustomerHandler implements ICommandHandler<ForgetCustomer> {
  constructor(
    private readonly customers: CustomerExecution,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async execute({ id, changes, context }: ForgetCustomer): Promise<OpenedCustomer> {
    const dueAt = isoTime(this.clock.now() + this.config.forgetGraceDays * DAY_MS);
    return this.customers.run({ kind: 'forget', id, changes, dueAt }, context);
  }
}
