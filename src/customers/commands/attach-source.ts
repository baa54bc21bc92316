import { Command } from '@nestjs/cqrs';
import type { CommandContext } from '../../event-sourcing/command-context.js';
import type { AttachedSource } from '../read-model/customer-view.js';

export class AttachSource extends Command<AttachedSource> {
  constructor(
    readonly id: string,
    readonly sourceId: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}
