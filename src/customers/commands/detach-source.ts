import { Command } from '@nestjs/cqrs';
import type { CommandContext } from '../../event-sourcing/command-context.js';

export class DetachSource extends Command<void> {
  constructor(
    readonly id: string,
    readonly sourceId: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}
