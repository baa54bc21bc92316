import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { CustomerView } from '../../src/customers/read-model/customer-view.js';
import type { Cursor, CustomerViews, ListFilter } from '../../src/customers/read-model/customer-views.js';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { listOf } from './customer-list-model.js';
import { aView, cursorAt, filters, populations, timeAt } from './customer-view-samples.js';
import { itMakesFirstViews } from './first-views.js';
import { anotherOf, type Harness } from './harness.js';

/** What every CustomerViews promises. @param shared whether other processes can open the same views */
export function describeCustomerViews(
  name: string,
  makeViews: () => Promise<Harness<CustomerViews>>,
  shared = true,
): void {
  describe(`CustomerViews: ${name}`, () => {
    let harness: Harness<CustomerViews>;
    let views: CustomerViews;

    beforeEach(async () => {
      harness = await makeViews();
      views = harness.port;
    });
    afterEach(() => harness.close());

    const idsOf = async (filter: ListFilter, limit = 100, cursor?: Cursor): Promise<string[]> =>
      (await views.list(filter, limit, cursor)).views.map(({ id }) => id);

    describe('saving and getting', () => {
      it('gives back a view as it was saved', async () => {
        const full = aView({
          email: { sealed: 'abc' },
          emailIndex: 'hash',
          locale: 'en_US',
          type: 'business',
          forgetDueAt: timeAt(9),
          defaultSourceId: 's1',
          sources: [{ id: 's1', type: 'card', state: 'chargeable', reusable: true, createdTime: timeAt(3) }],
          shipping: { sealed: 'x'.repeat(3000) },
          taxCertificates: [{ sealed: '1' }, { sealed: '2' }],
          metadata: { sealed: 'é' },
        });
        const bare = aView();
        await views.save([full, bare]);
        expect(await views.get(full.id)).toEqual(full);
        expect(await views.get(bare.id)).toEqual(bare);
        expect(await views.list({}, 10)).toMatchObject({ hasMore: false });
      });

      it('answers undefined for an id without a view', async () => {
        await views.save([aView({ id: 'a' })]);
        expect(await views.get('A')).toBeUndefined();
        expect(await views.get('')).toBeUndefined();
        expect(await views.get('a\0')).toBeUndefined();
      });

      it('keeps the stubs of deleted and erased customers', async () => {
        const deleted = aView({ status: 'deleted', listed: false });
        const erased = aView({ status: 'erased' });
        await views.save([deleted, erased]);
        expect(await views.get(deleted.id)).toEqual(deleted);
        expect(await idsOf({})).toEqual([erased.id]);
      });

      it('drops what a newer view no longer has', async () => {
        await views.save([aView({ id: 'a', email: { sealed: 'x' }, emailIndex: 'h', forgetDueAt: timeAt(1) })]);
        const redacted = aView({ id: 'a', version: 1 });
        await views.save([redacted]);
        expect(await views.get('a')).toEqual(redacted);
        expect(await idsOf({ emailIndex: 'h' })).toEqual([]);
        expect(await views.dueForErasure(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
      });

      it.each<[string, Partial<CustomerView>, ListFilter, boolean]>([
        ['the address', { emailIndex: 'new' }, { emailIndex: 'new' }, true],
        ['the address it had', { emailIndex: 'new' }, { emailIndex: 'old' }, false],
        ['whether it is listed', { listed: false }, {}, false],
        ['the forget request', { requestToBeForgotten: true }, { requestToBeForgotten: true }, true],
        ['the time of creation', { createdTime: timeAt(5) }, { createdTime: { eq: Date.parse(timeAt(5)) } }, true],
        ['the time of the update', { updatedTime: timeAt(5) }, { updatedTime: { eq: Date.parse(timeAt(5)) } }, true],
        ['nothing', {}, { emailIndex: 'old' }, true],
      ])('finds a view by what its newest version says, also if nothing but it was changed: %s', async (...row) => {
        const [, changed, filter, found] = row;
        const before = aView({ id: 'a', emailIndex: 'old', forgetDueAt: timeAt(3) });
        await views.save([before]);
        await views.save([{ ...before, ...changed, version: 1 }]);
        expect(await idsOf(filter)).toEqual(found ? ['a'] : []);
        expect(await views.get('a')).toEqual({ ...before, ...changed, version: 1 });
      });

      it('follows a grace period that begins, moves and ends while nothing else changes', async () => {
        const due = (): Promise<readonly string[]> => views.dueForErasure(Date.parse(timeAt(4)), 10);
        await views.save([aView({ id: 'a' })]);
        await views.save([aView({ id: 'a', version: 1, forgetDueAt: timeAt(4) })]);
        expect(await due()).toEqual(['a']);
        await views.save([aView({ id: 'a', version: 2, forgetDueAt: timeAt(5) })]);
        expect(await due()).toEqual([]);
        await views.save([aView({ id: 'a', version: 3, forgetDueAt: timeAt(3) })]);
        expect(await due()).toEqual(['a']);
        await views.save([aView({ id: 'a', version: 4 })]);
        expect(await due()).toEqual([]);
      });

      it('gives many at once, without those that are missing', async () => {
        const saved = [aView(), aView(), aView({ listed: false, status: 'deleted', version: 7 })];
        await views.save(saved);
        const ids = [...saved.map(({ id }) => id), randomUUID()];
        expect(await views.getMany(ids)).toEqual(new Map(saved.map((view) => [view.id, view])));
        expect(await views.versions(ids)).toEqual(new Map(saved.map(({ id, version }) => [id, version])));
        expect(await views.getMany([])).toEqual(new Map());
        expect(await views.versions([])).toEqual(new Map());
      });

      it('names all there are in the order of their ids, stubs too', async () => {
        const listed = ['b', 'a', 'd', 'A'].map((id) => aView({ id }));
        await views.save([...listed, aView({ id: 'c', status: 'deleted', listed: false })]);
        expect(await views.ids(undefined, 9)).toEqual(['A', 'a', 'b', 'c', 'd']);
        expect(await views.ids('a', 2)).toEqual(['b', 'c']);
        expect(await views.ids('d', 2)).toEqual([]);
      });

      it('takes nothing to save as done', () => expect(views.save([])).resolves.toBeUndefined());

      it('is healthy', () => expect(views.health()).resolves.toBeUndefined());
    });

    describe('writing only forward', () => {
      it.each([4, 5])('changes nothing for version %i when version 5 is there', async (version) => {
        const stored = aView({ id: 'a', version: 5, locale: 'de_DE' });
        await views.save([stored]);
        await views.save([aView({ id: 'a', version, locale: 'fr_FR', emailIndex: 'h', listed: false })]);
        expect(await views.get('a')).toEqual(stored);
        expect(await idsOf({})).toEqual(['a']);
        expect(await idsOf({ emailIndex: 'h' })).toEqual([]);
      });

      it('keeps the newest of several of one customer, in whichever order they come', async () => {
        const versions = [2, 5, 3, 4].map((version) => aView({ id: 'a', version, locale: `v${version}` }));
        await views.save([...versions, aView({ id: 'b', version: 1 })]);
        expect(await views.get('a')).toEqual(versions[1]);
        expect(await views.versions(['a', 'b'])).toEqual(new Map(Object.entries({ a: 5, b: 1 })));
      });

      it('ends at the newest whatever overlaps', async () => {
        const all = Array.from({ length: 40 }, (_, version) => aView({ id: 'a', version, locale: `v${version}` }));
        const shuffled = [...all].sort((a, b) => ((a.version * 17) % 40) - ((b.version * 17) % 40));
        await Promise.all(shuffled.map((view) => views.save([view])));
        expect(await views.get('a')).toEqual(all.at(-1));
      });

      it('saves the rest of a batch of which one is behind', async () => {
        await views.save([aView({ id: 'a', version: 5 })]);
        await views.save([aView({ id: 'a', version: 1 }), aView({ id: 'b' })]);
        expect(await views.versions(['a', 'b'])).toEqual(new Map(Object.entries({ a: 5, b: 0 })));
      });
    });

    describe('listing', () => {
      it('shows the newest first, and of one moment the greatest id by its bytes', async () => {
        const ids = ['b', 'B', 'a', '_', 'Z', '1', '-', '.', 'aa'];
        await views.save(ids.map((id) => aView({ id, createdTime: timeAt(5) })));
        await views.save([aView({ id: 'old', createdTime: timeAt(4) }), aView({ id: '0new', createdTime: timeAt(6) })]);
        expect(await idsOf({})).toEqual(['0new', 'b', 'aa', 'a', '_', 'Z', 'B', '1', '.', '-', 'old']);
      });

      it('says whether more follow in the direction of travel', async () => {
        const all = ['e', 'd', 'c', 'b', 'a'];
        await views.save(all.map((id, index) => aView({ id, createdTime: timeAt(9 - index) })));
        const page = async (limit: number, cursor?: Cursor): Promise<[string, boolean]> => {
          const { views: found, hasMore } = await views.list({}, limit, cursor);
          return [found.map(({ id }) => id).join(''), hasMore];
        };
        const c = (direction: Cursor['direction']): Cursor => ({ direction, createdTime: timeAt(7), id: 'c' });
        expect(await page(4)).toEqual(['edcb', true]);
        expect(await page(5)).toEqual(['edcba', false]);
        expect(await page(1, c('after'))).toEqual(['b', true]);
        expect(await page(2, c('after'))).toEqual(['ba', false]);
        expect(await page(1, c('before'))).toEqual(['d', true]);
        expect(await page(2, c('before'))).toEqual(['ed', false]);
        expect(await page(3, { direction: 'before', createdTime: timeAt(9), id: 'e' })).toEqual(['', false]);
      });

      it('goes on from the place of a customer that is not listed any more', async () => {
        await views.save(['a', 'b', 'c'].map((id) => aView({ id, createdTime: timeAt(1) })));
        await views.save([aView({ id: 'b', version: 1, createdTime: timeAt(1), listed: false, status: 'deleted' })]);
        const cursor = { createdTime: timeAt(1), id: 'b' };
        expect(await idsOf({}, 10, { ...cursor, direction: 'after' })).toEqual(['a']);
        expect(await idsOf({}, 10, { ...cursor, direction: 'before' })).toEqual(['c']);
      });

      it('bounds times by each operator', async () => {
        await views.save([1, 2, 3].map((n) => aView({ id: `${n}`, createdTime: timeAt(n), updatedTime: timeAt(n) })));
        const at = Date.parse(timeAt(2));
        for (const field of ['createdTime', 'updatedTime'] as const) {
          expect(await idsOf({ [field]: { eq: at } })).toEqual(['2']);
          expect(await idsOf({ [field]: { gt: at } })).toEqual(['3']);
          expect(await idsOf({ [field]: { gte: at } })).toEqual(['3', '2']);
          expect(await idsOf({ [field]: { lt: at } })).toEqual(['1']);
          expect(await idsOf({ [field]: { lte: at } })).toEqual(['2', '1']);
          expect(await idsOf({ [field]: { gt: at - 1, lt: at + 1 } })).toEqual(['2']);
          expect(await idsOf({ [field]: { gte: at + 1, lte: at - 1 } })).toEqual([]);
          expect(await idsOf({ [field]: { eq: at + 0.5 } })).toEqual([]);
          expect(await idsOf({ [field]: { gt: at - 0.5, lt: at + 0.5 } })).toEqual(['2']);
          expect(await idsOf({ [field]: { gte: at + 0.5 } })).toEqual(['3']);
          expect(await idsOf({ [field]: { lte: at + 0.5 } })).toEqual(['2', '1']);
          expect(await idsOf({ [field]: {} })).toEqual(['3', '2', '1']);
        }
      });

      it('takes the narrower of a cursor and a range of createdTime', async () => {
        await views.save([1, 2, 3, 4, 5].map((n) => aView({ id: `${n}`, createdTime: timeAt(n) })));
        const at = (n: number): number => Date.parse(timeAt(n));
        const after = (n: number): Cursor => ({ direction: 'after', createdTime: timeAt(n), id: `${n}` });
        const before = (n: number): Cursor => ({ direction: 'before', createdTime: timeAt(n), id: `${n}` });
        expect(await idsOf({ createdTime: { lt: at(3) } }, 9, after(5))).toEqual(['2', '1']);
        expect(await idsOf({ createdTime: { lte: at(4), gte: at(2) } }, 9, after(4))).toEqual(['3', '2']);
        expect(await idsOf({ createdTime: { lte: at(5), gt: at(1) } }, 9, after(3))).toEqual(['2']);
        expect(await idsOf({ createdTime: { gt: at(3) } }, 9, before(1))).toEqual(['5', '4']);
        expect(await idsOf({ createdTime: { gte: at(2), lte: at(4) } }, 9, before(2))).toEqual(['4', '3']);
        expect(await idsOf({ createdTime: { gte: at(1), lt: at(5) } }, 9, before(3))).toEqual(['4']);
      });

      it('finds none of no ids, and each id once', async () => {
        await views.save(['a', 'b'].map((id) => aView({ id })));
        expect(await idsOf({ ids: [] })).toEqual([]);
        expect(await idsOf({ ids: ['a', 'a', 'nobody'] })).toEqual(['a']);
      });

      it('finds those of any of several addresses, in the order of all pages', async () => {
        const of = (id: string, n: number, emailIndex?: string): CustomerView =>
          aView({ id, createdTime: timeAt(n), ...(emailIndex !== undefined && { emailIndex }) });
        await views.save([of('a', 1, 'new'), of('b', 2, 'old'), of('c', 3, 'other'), of('d', 4), of('e', 5, 'new')]);
        expect(await idsOf({ emailIndex: ['new', 'old'] })).toEqual(['e', 'b', 'a']);
        const afterE: Cursor = { direction: 'after', createdTime: timeAt(5), id: 'e' };
        expect(await idsOf({ emailIndex: ['new', 'old'] }, 1, afterE)).toEqual(['b']);
        expect(await idsOf({ emailIndex: ['old', 'old'] })).toEqual(['b']);
      });

      it('takes every value as a value', async () => {
        await views.save([aView({ id: 'a', emailIndex: 'h' })]);
        for (const text of ["' OR 1=1 --", '%', '*', '"', '{"$ne":null}', '\0']) {
          expect(await idsOf({ emailIndex: text })).toEqual([]);
          expect(await idsOf({ ids: [text] })).toEqual([]);
        }
      });

      it('agrees with a simple model, for every filter with every cursor', () =>
        fc.assert(
          fc.asyncProperty(
            populations,
            fc.array(fc.record({ filter: filters, limit: fc.integer({ min: 1, max: 12 }), cursor: cursorAt }), {
              minLength: 20,
              maxLength: 20,
            }),
            async (population, queries) => {
              const { port: own, close } = await makeViews();
              try {
                await own.save(population);
                for (const { filter, limit, cursor } of queries) {
                  expect(await own.list(filter, limit, cursor)).toEqual(listOf(population, filter, limit, cursor));
                }
              } finally {
                await close();
              }
            },
          ),
          { seed: seed(), numRuns: scale(25, 500) },
        ));

      it.each(['after', 'before'] as const)('shows each customer once to who pages through (%s)', async (direction) => {
        const all = Array.from({ length: 57 }, (_, n) => aView({ id: `c${n}`, createdTime: timeAt(n % 7) }));
        await views.save(all);
        const { views: whole } = await views.list({}, 100);
        const seen: CustomerView[] = [];
        let cursor: Cursor | undefined =
          direction === 'after' ? undefined : { direction, createdTime: timeAt(0), id: '\0' };
        for (let more = true; more;) {
          const page = await views.list({}, 5, cursor);
          const edge = page.views.at(direction === 'after' ? -1 : 0)!;
          if (direction === 'after') seen.push(...page.views);
          else seen.unshift(...page.views);
          cursor = { direction, createdTime: edge.createdTime, id: edge.id };
          more = page.hasMore;
        }
        expect(seen).toEqual(whole);
      });
    });

    describe('grace periods', () => {
      it('tells whose has ended, the longest due first, and no more than asked for', async () => {
        const due = (id: string, n: number): CustomerView =>
          aView({ id, requestToBeForgotten: true, forgetDueAt: timeAt(n) });
        await views.save([due('c', 3), due('a', 1), due('z', 1), due('later', 5), aView({ id: 'never' })]);
        const now = Date.parse(timeAt(3));
        expect(await views.dueForErasure(now, 10)).toEqual(['a', 'z', 'c']);
        expect(await views.dueForErasure(now, 2)).toEqual(['a', 'z']);
        expect(await views.dueForErasure(now - 1, 10)).toEqual(['a', 'z']);
      });

      it('leaves out who is held, until the hold is lifted', async () => {
        const held = aView({ id: 'a', requestToBeForgotten: true, forgetDueAt: timeAt(1), legalHold: true });
        await views.save([held]);
        expect(await views.get('a')).toEqual(held);
        expect(await views.dueForErasure(Date.parse(timeAt(9)), 10)).toEqual([]);
        const { legalHold: _, ...lifted } = held;
        await views.save([{ ...lifted, version: held.version + 1 }]);
        expect(await views.dueForErasure(Date.parse(timeAt(9)), 10)).toEqual(['a']);
      });

      it('leaves out who is erased or deleted already', async () => {
        const forgetDueAt = timeAt(1);
        await views.save([
          aView({ id: 'a', status: 'erased', requestToBeForgotten: true, forgetDueAt }),
          aView({ id: 'b', status: 'deleted', listed: false, forgetDueAt }),
        ]);
        expect(await views.dueForErasure(Date.parse(timeAt(9)), 10)).toEqual([]);
      });
    });

    describe('generations', () => {
      it('begins with one that is live', async () => {
        expect((await views.generations()).building).toBeUndefined();
      });

      it('builds beside the live one and switches in one step', async () => {
        const before = await views.generations();
        await views.save([aView({ id: 'old', locale: 'live' })]);
        const building = await views.startBuilding();
        expect(await views.generations()).toEqual({ live: before.live, building });
        expect(await views.getMany(['old'], building)).toEqual(new Map());

        await views.save([aView({ id: 'both' })]);
        await views.save([aView({ id: 'old', locale: 'rebuilt' }), aView({ id: 'only' })], building);
        expect(await idsOf({})).toEqual(['old', 'both']);
        expect((await views.get('old'))?.locale).toBe('live');
        expect([...(await views.versions(['old', 'both', 'only'], building)).keys()].sort()).toEqual([
          'both',
          'old',
          'only',
        ]);

        await views.goLive(building);
        expect(await views.generations()).toEqual({ live: building });
        expect(await idsOf({})).toEqual(['only', 'old', 'both']);
        expect((await views.get('old'))?.locale).toBe('rebuilt');
        await views.save([aView({ id: 'next' })]);
        expect(await views.getMany(['next'], before.live)).toEqual(new Map());

        await views.dropGeneration(before.live);
        expect(await idsOf({})).toEqual(['only', 'old', 'next', 'both']);
      });

      it('guards each generation by its own versions', async () => {
        await views.save([aView({ id: 'a', version: 5 })]);
        const building = await views.startBuilding();
        await views.save([aView({ id: 'a', version: 2 })]);
        expect(await views.versions(['a'])).toEqual(new Map([['a', 5]]));
        expect(await views.versions(['a'], building)).toEqual(new Map([['a', 2]]));
      });

      it('begins anew with an empty one when one was abandoned', async () => {
        const abandoned = await views.startBuilding();
        await views.save([aView({ id: 'a' })], abandoned);
        const building = await views.startBuilding();
        expect(await views.getMany(['a'], building)).toEqual(new Map());
        expect((await views.generations()).building).toBe(building);
        await views.save([aView({ id: 'b' })]);
        expect([...(await views.versions(['a', 'b'], building)).keys()]).toEqual(['b']);
      });

      it('can drop the one under construction, and drop it again', async () => {
        const { live } = await views.generations();
        const building = await views.startBuilding();
        await views.save(
          Array.from({ length: 1200 }, () => aView()),
          building,
        );
        await views.dropGeneration(building);
        await views.dropGeneration(building);
        expect(await views.generations()).toEqual({ live });
        await views.save([aView({ id: 'a' })]);
        expect(await idsOf({})).toEqual(['a']);
      });

      it('refuses to drop the live one or to serve one that is not under construction', async () => {
        const { live } = await views.generations();
        await views.save([aView({ id: 'a' })]);
        await expect(views.dropGeneration(live)).rejects.toThrow();
        await expect(views.goLive(live + 1)).rejects.toThrow();
        expect(await idsOf({})).toEqual(['a']);
      });

      it('goes live once, also when told twice', async () => {
        const building = await views.startBuilding();
        await views.goLive(building);
        await views.goLive(building);
        expect(await views.generations()).toEqual({ live: building });
      });
    });

    if (!shared) return;
    describe('another process', () => {
      let other: CustomerViews;
      beforeEach(async () => {
        other = await anotherOf(harness);
      });

      it('sees at once what was saved, and both write forward only', async () => {
        await views.save([aView({ id: 'a', version: 1 })]);
        await other.save([aView({ id: 'a', version: 2, locale: 'other' }), aView({ id: 'b' })]);
        await views.save([aView({ id: 'a', version: 1 })]);
        expect((await views.get('a'))?.locale).toBe('other');
        expect(await other.list({}, 10)).toEqual(await views.list({}, 10));
      });

      it('follows a switch of generations at once', async () => {
        await other.save([aView({ id: 'a' })]);
        const [{ live }, building] = [await other.generations(), await views.startBuilding()];
        await other.save([aView({ id: 'b' })]);
        await views.goLive(building);
        expect((await other.list({}, 10)).views.map(({ id }) => id)).toEqual(['b']);
        expect(await other.get('a')).toBeUndefined();
        const next = await views.startBuilding();
        await views.save([aView({ id: 'b', locale: 'next' })], next);
        await views.goLive(next);
        await views.dropGeneration(building);
        expect((await other.get('b'))?.locale).toBe('next');
        await views.dropGeneration(live);
        await other.save([aView({ id: 'c' })]);
        expect(await idsOf({})).toEqual(['c', 'b']);
      });

      itMakesFirstViews(() => [views, other]);

      it('saves at the same time', async () => {
        const save = (_: unknown, version: number): Promise<void> =>
          (version % 2 === 0 ? views : other).save([aView({ id: 'a', version }), aView({ id: `own${version}` })]);
        await Promise.all(Array.from({ length: 60 }, save));
        expect(await views.versions(['a'])).toEqual(new Map([['a', 59]]));
        expect(await idsOf({})).toHaveLength(61);
      });
    });
  });
}
