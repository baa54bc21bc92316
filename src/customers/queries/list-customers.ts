import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { ReadGate } from '../../event-sourcing/read-gate.js';
import { CustomerError } from '../domain/errors.js';
import type { CustomerView } from '../read-model/customer-view.js';
import { type Cursor, CustomerViews, type ListFilter } from '../read-model/customer-views.js';
import { EmailIndexing } from '../read-model/email-indexing.js';
import { OpenViews } from '../read-model/open-views.js';
import type { OpenedCustomer } from '../read-model/opened-customer.js';
import { isCustomerId } from '../streams.js';
import { inTime } from './in-time.js';

export interface OpenedPage {
  readonly customers: readonly OpenedCustomer[];
  readonly hasMore: boolean;
}

export class ListCustomers extends Query<OpenedPage> {
  constructor(
    /** `email` in clear: the handler turns it into the keyed hash. */
    readonly filter: Omit<ListFilter, 'emailIndex'> & { readonly email?: string },
    /** 1..100 */
    readonly limit: number,
    /** Ids as the client gave them; `endingBefore` wins. */
    readonly cursor: { readonly startingAfter?: string; readonly endingBefore?: string },
  ) {
    super();
  }
}

@QueryHandler(ListCustomers)
export class ListCustomersHandler implements IQueryHandler<ListCustomers> {
  constructor(
    private readonly views: CustomerViews,
    private readonly emails: EmailIndexing,
    private readonly opening: OpenViews,
    private readonly gate: ReadGate,
  ) {}

  execute(query: ListCustomers): Promise<OpenedPage> {
    return inTime(this.gate.through(() => this.list(query)));
  }

  private async list({ filter: { email, ...rest }, limit, cursor }: ListCustomers): Promise<OpenedPage> {
    const filter = email === undefined ? rest : { ...rest, emailIndex: oneOrSeveral(this.emails.indexesOf(email)) };
    const page = await this.views.list(filter, limit, await this.resolve(cursor));
    const opened = await this.opening.openAll(page.views);
    const customers = opened.filter(({ view }, at) => stillBelongs(view, page.views[at], filter));
    return { customers, hasMore: page.hasMore };
  }

  private async resolve({ startingAfter, endingBefore }: ListCustomers['cursor']): Promise<Cursor | undefined> {
    if (endingBefore !== undefined) return this.cursorAt('before', endingBefore, 'endingBefore');
    if (startingAfter !== undefined) return this.cursorAt('after', startingAfter, 'startingAfter');
    return undefined;
  }

  /** A deleted customer's stub still marks its place; an id that never existed marks none. */
  private async cursorAt(direction: Cursor['direction'], id: string, parameter: string): Promise<Cursor> {
    const view = isCustomerId(id) ? await this.views.get(id) : undefined;
    if (view === undefined) throw new CustomerError('invalid_parameter', parameter, 'No such customer ever existed');
    return { direction, createdTime: view.createdTime, id };
  }
}

/** One value is looked up in the order of the pages; of several what is found must be sorted. */
const oneOrSeveral = (indexes: readonly [string, ...string[]]): string | readonly [string, ...string[]] =>
  indexes.length === 1 ? indexes[0] : indexes;

/**
 * Whether what a customer was found to be when it was opened belongs where its view was found: a new life has another place,
 * and an erased customer found by its address would tell whose that was.
 */
function stillBelongs(opened: CustomerView, found: CustomerView | undefined, filter: ListFilter): boolean {
  if (opened === found) return true;
  const { emailIndex, requestToBeForgotten, updatedTime } = filter;
  const restsOnChanges = emailIndex !== undefined || requestToBeForgotten !== undefined || updatedTime !== undefined;
  return opened.listed && opened.life === found?.life && !restsOnChanges;
}
