import { Counter, type Registry } from 'prom-client';
import type { CustomerCommand } from '../customers/domain/decide.js';

/** The names the commands go by on the bus, so that all metrics of commands speak of the same. */
const NAMES: Readonly<Record<CustomerCommand['kind'], string>> = {
  create: 'CreateCustomer',
  update: 'UpdateCustomer',
  forget: 'ForgetCustomer',
  erase: 'EraseCustomer',
  delete: 'DeleteCustomer',
  place_hold: 'PlaceLegalHold',
  lift_hold: 'LiftLegalHold',
  attach_source: 'AttachSource',
  detach_source: 'DetachSource',
};

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
    for (const command of Object.values(NAMES)) this.retries.inc({ command }, 0);
  }

  count(kind: CustomerCommand['kind']): void {
    this.retries.inc({ command: NAMES[kind] });
  }
}
