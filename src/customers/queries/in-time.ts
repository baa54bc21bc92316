import { within } from '../../event-sourcing/deadline.js';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';

/** Over all the stores that one answer needs, so that a slow one after the other adds up to no more. */
const READ_BUDGET_MS = 3_500;

/** @throws StoreUnavailable('read_model') when the budget is used up */
export const inTime = <T>(work: Promise<T>): Promise<T> =>
  within(READ_BUDGET_MS, work, () => new StoreUnavailable('read_model'));
