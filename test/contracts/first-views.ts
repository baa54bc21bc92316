import { randomUUID } from 'node:crypto';
import type { CustomerViews } from '../../src/customers/read-model/customer-views.js';
import { scale } from '../support/scale.js';
import { aView } from './customer-view-samples.js';
import { ordersOf } from './harness.js';

/** Of customers that have none yet, by two connections at once, in every order of versions. */
export function itMakesFirstViews(connections: () => readonly [CustomerViews, CustomerViews]): void {
  it.each(['one by one', 'in batches'])('makes first views at the same time, and the newest stay: %s', async (how) => {
    for (let round = 0; round < scale(1, 25); round += 1) {
      const [views, other] = connections();
      const pairs = ordersOf([0, 1, 2, 3]).map((order) => ({ id: randomUUID(), ...order }));
      const mine = pairs.map(({ id, mine: version }) => aView({ id, version }));
      const theirs = pairs.map(({ id, theirs: version }) => aView({ id, version })).reverse();
      await Promise.all(
        how === 'in batches'
          ? [views.save(mine), other.save(theirs)]
          : [...mine.map((view) => views.save([view])), ...theirs.map((view) => other.save([view]))],
      );
      const newest = pairs.map((pair) => [pair.id, Math.max(pair.mine, pair.theirs)] as const);
      expect(await views.versions(pairs.map(({ id }) => id))).toEqual(new Map(newest));
    }
  });
}
