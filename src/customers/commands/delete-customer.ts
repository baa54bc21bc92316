import { Command } from '@nestjs/cqrs';
import type { CommandContext } from '../../event-sourcing/command-context.js';

export class DeleteCustomer extends Command<void> {
  constructor(
    readonly id: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}
