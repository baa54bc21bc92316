import { Counter, type Registry } from 'prom-client';
import { COMMAND_NAMES, type CustomerCommand } from '../customers/domain/decide.js';

/** Counts decisions that were made again, since another writer was faster. */
export class CommandRetries {
  private readonly retries: Counter<'command'>;

  constructor(registry: Registry) {
    this.retries = new Counter({
      name: 'customers_command_retries_total',
      help: 'Commands decided again from a fresh history after a conflict, once for each time',
      labelNames: ['command'],
      registers: [registry],
    });
    for (const command of Object.values(COMMAND_NAMES)) this.retries.inc({ command }, 0);
  }

  count(kind: CustomerCommand['kind']): void {
    this.retries.inc({ command: COMMAND_NAMES[kind] });
  }
}
