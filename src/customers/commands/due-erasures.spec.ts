import type { CommandBus } from '@nestjs/cqrs';
import { Logger } from '@nestjs/common';
import type { Checkpoints } from '../../event-sourcing/checkpoints.js';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { TestClock } from '../../../test/support/test-clock.js';
import type { CustomerViews } from '../read-model/customer-views.js';
import { DueErasures } from './due-erasures.js';
import type { EraseCustomer } from './erase-customer.js';

describe('the erasures that are due', () => {
  beforeEach(() => {
    Logger.overrideLogger(false);
  });
  afterEach(() => {
    Logger.overrideLogger(['error', 'warn', 'log']);
  });

  /** @returns whom a run asked to be erased; of those that fail none goes away */
  async function run(standing: string[], failing: ReadonlyMap<string, Error>): Promise<readonly string[]> {
    const asked: string[] = [];
    const bus = {
      execute: ({ id }: EraseCustomer): Promise<void> => {
        asked.push(id);
        const error = failing.get(id);
        if (error !== undefined) return Promise.reject(error);
        standing.splice(standing.indexOf(id), 1);
        return Promise.resolve();
      },
    };
    const views = { dueForErasure: (_now: number, limit: number) => Promise.resolve(standing.slice(0, limit)) };
    const checkpoints = { owner: 'one', acquire: () => Promise.resolve({ epoch: 1 }) };
    await new DueErasures(
      checkpoints as unknown as Checkpoints,
      views as unknown as CustomerViews,
      bus as unknown as CommandBus,
      new TestClock(),
      { role: 'worker' },
    ).run();
    return asked;
  }
  const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `c${String(at)}`);

  it('reach everyone, each once, also behind hundreds that fail', async () => {
    const standing = names(450);
    const failing = new Map(names(250).map((id) => [id, new Error('is in the way')]));
    expect(await run(standing, failing)).toEqual(names(450));
    expect(standing).toEqual(names(250));
  });

  it('end for this time when a store is away', async () => {
    expect(await run(names(5), new Map([['c2', new StoreUnavailable('event_log')]]))).toEqual(['c0', 'c1', 'c2']);
  });
});
