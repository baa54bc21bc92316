import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../../event-sourcing/command-context.js';
import { CustomerExecution } from './customer-execution.js';

export class DetachSource extends Command<void> {
  constructor(
    readonly id: string,
    readonly sourceId: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** The source's own stream is told by the follower of the log, or by whoever asks for the source before that. */
@CommandHandler(DetachSource)
export class DetachSourceHandler implements ICommandHandler<DetachSource> {
  constructor(private readonly customers: CustomerExecution) {}

  async execute({ id, sourceId, context }: DetachSource): Promise<void> {
    await this.customers.run({ kind: 'detach_source', id, sourceId }, context);
  }
}
