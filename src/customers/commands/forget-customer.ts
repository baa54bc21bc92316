import { Command } from '@nestjs/cqrs';
import type { CommandContext } from '../../event-sourcing/command-context.js';
import type { CustomerChanges } from '../domain/changes.js';
import type { OpenedCustomer } from '../read-model/opened-customer.js';

export class ForgetCustomer extends Command<OpenedCustomer> {
  constructor(
    readonly id: string,
    readonly changes: CustomerChanges,
    readonly context: CommandContext,
  ) {
    super();
  }
}
