import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { ReadGate } from '../../event-sourcing/read-gate.js';
import { StreamDamaged } from '../../event-sourcing/stream-damage.js';
import { CustomerStreams } from '../customer-streams.js';
import { CustomerError } from '../domain/errors.js';
import type { CustomerView } from '../read-model/customer-view.js';
import { type Cursor, type CustomerPage, CustomerViews, type ListFilter } from '../read-model/customer-views.js';
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
    private readonly streams: CustomerStreams,
  ) {}

  execute(query: ListCustomers): Promise<OpenedPage> {
    return inTime(this.gate.through(() => this.withoutDamaged(query)));
  }

  /** Opening the views may look into the log: whose stream is found damaged there must not keep the others from being listed. */
  private async withoutDamaged(query: ListCustomers): Promise<OpenedPage> {
    for (;;) {
      try {
        return await this.list(query);
      } catch (error) {
        if (!(error instanceof StreamDamaged) || !(await this.streams.isSetAsideFor(error))) throw error;
      }
    }
  }

  private async list({ filter: { email, ...rest }, limit, cursor }: ListCustomers): Promise<OpenedPage> {
    const filter = email === undefined ? rest : { ...rest, emailIndex: oneOrSeveral(this.emails.indexesOf(email)) };
    const page = await this.page(filter, limit, await this.resolve(cursor));
    const opened = await this.opening.openAll(page.views);
    const customers = opened.filter(({ view }, at) => stillBelongs(view, page.views[at], filter));
    return { customers, hasMore: page.hasMore };
  }

  /** Without those that are set aside; filled up behind them, so that a page is never short, or empty, because of them. */
  private async page(filter: ListFilter, limit: number, cursor: Cursor | undefined): Promise<CustomerPage> {
    const { views, hasMore } = await this.views.list(filter, limit, cursor);
    const sound = views.filter(({ id }) => !this.streams.isSetAside(id));
    const backwards = cursor?.direction === 'before';
    const last = backwards ? views[0] : views.at(-1);
    if (sound.length === views.length || !hasMore || last === undefined) return { views: sound, hasMore };
    const next: Cursor = { direction: backwards ? 'before' : 'after', createdTime: last.createdTime, id: last.id };
    const rest = await this.page(filter, limit - sound.length, next);
    return { views: backwards ? [...rest.views, ...sound] : [...sound, ...rest.views], hasMore: rest.hasMore };
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
