import { Injectable, type Type } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../../event-sourcing/command-context.js';
import type { CustomerChanges } from '../domain/changes.js';
import type { CustomerCommand } from '../domain/decide.js';
import type { OpenedCustomer } from '../read-model/opened-customer.js';
import { CustomerExecution } from './customer-execution.js';

/** A command that brings everything its decision needs: its handler carries it out, and does nothing else. */
abstract class PlainCommand extends Command<OpenedCustomer> {
  constructor(
    readonly id: string,
    readonly context: CommandContext,
  ) {
    super();
  }

  abstract get command(): CustomerCommand;
}

export class UpdateCustomer extends PlainCommand {
  constructor(
    id: string,
    readonly changes: CustomerChanges,
    context: CommandContext,
  ) {
    super(id, context);
  }

  override get command(): CustomerCommand {
    return { kind: 'update', id: this.id, changes: this.changes };
  }
}

/** Done once the event is appended and the view redacted; the erasure follower destroys the key. */
export class DeleteCustomer extends PlainCommand {
  override get command(): CustomerCommand {
    return { kind: 'delete', id: this.id };
  }
}

/** The follower of the log ends the claim in the source's own stream, or whoever asks for the source before that. */
export class DetachSource extends PlainCommand {
  constructor(
    id: string,
    readonly sourceId: string,
    context: CommandContext,
  ) {
    super(id, context);
  }

  override get command(): CustomerCommand {
    return { kind: 'detach_source', id: this.id, sourceId: this.sourceId };
  }
}

/** From then on the customer is neither erased nor deleted; what is due meanwhile waits. */
export class PlaceLegalHold extends PlainCommand {
  override get command(): CustomerCommand {
    return { kind: 'place_hold', id: this.id };
  }
}

/** An erasure that fell due while the hold lasted is carried out within a minute. */
export class LiftLegalHold extends PlainCommand {
  override get command(): CustomerCommand {
    return { kind: 'lift_hold', id: this.id };
  }
}

@Injectable()
export class PlainHandler implements ICommandHandler<PlainCommand> {
  constructor(private readonly customers: CustomerExecution) {}

  execute({ command, context }: PlainCommand): Promise<OpenedCustomer> {
    return this.customers.run(command, context);
  }
}

function handlerOf(type: Type<PlainCommand>): Type<PlainHandler> {
  @CommandHandler(type)
  class Handler extends PlainHandler {}
  return Handler;
}

/** One for each command above. */
export const PLAIN_HANDLERS = [UpdateCustomer, DeleteCustomer, DetachSource, PlaceLegalHold, LiftLegalHold].map(
  handlerOf,
);
