import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { ReadGate } from '../../event-sourcing/read-gate.js';
import { CustomerStreams } from '../customer-streams.js';
import { customerNotFound } from '../domain/errors.js';
import { CustomerViews } from '../read-model/customer-views.js';
import { OpenViews } from '../read-model/open-views.js';
import type { OpenedCustomer } from '../read-model/opened-customer.js';
import { isCustomerId } from '../streams.js';
import { inTime } from './in-time.js';

export class GetCustomer extends Query<OpenedCustomer> {
  constructor(readonly id: string) {
    super();
  }
}

@QueryHandler(GetCustomer)
export class GetCustomerHandler implements IQueryHandler<GetCustomer> {
  constructor(
    private readonly views: CustomerViews,
    private readonly opening: OpenViews,
    private readonly gate: ReadGate,
    private readonly streams: CustomerStreams,
  ) {}

  execute({ id }: GetCustomer): Promise<OpenedCustomer> {
    return inTime(this.gate.through(() => this.streams.guard(id, () => this.get(id))));
  }

  private async get(id: string): Promise<OpenedCustomer> {
    const view = isCustomerId(id) ? await this.views.get(id) : undefined;
    if (view === undefined || view.status === 'deleted') throw customerNotFound(id);
    const opened = await this.opening.open(view);
    if (opened.view.status === 'deleted') throw customerNotFound(id);
    return opened;
  }
}
