import { randomUUID } from 'node:crypto';
import type { Position } from '../../src/event-sourcing/event-store.js';
import type { NotedErasure, Receipts } from '../../src/privacy/receipts.js';
import type { KeyRef } from '../../src/privacy/subject-keys.js';
import { scale } from '../support/scale.js';
import { anotherOf, type Harness } from './harness.js';

const NOW = Date.UTC(2026, 0, 1);

/** What every Receipts promises. @param shared whether other processes can open the same ones */
export function describeReceipts(name: string, makeReceipts: () => Promise<Harness<Receipts>>, shared = true): void {
  describe(`Receipts: ${name}`, () => {
    let harness: Harness<Receipts>;
    let receipts: Receipts;
    beforeEach(async () => {
      harness = await makeReceipts();
      receipts = harness.port;
    });
    afterEach(() => harness.close());

    const life = (subject: string, revision = 1): KeyRef => ({ subject, revision });
    const noted = (ref: KeyRef, at = NOW, position = 'C:7/P:7'): NotedErasure => ({
      ref,
      at,
      position: position as Position,
    });

    it('hand out what is noted, the oldest first, a page at a time, and once however often it is noted', async () => {
      const all = [noted(life('b'), NOW), noted(life('a'), NOW + 1), noted(life('b', 2), NOW + 2)];
      await receipts.note([all[2], all[0]].filter((one) => one !== undefined));
      await receipts.note(all);
      await receipts.note([noted(life('a'), NOW + 9, '9')]);
      await receipts.note([]);
      expect(await receipts.pending(10)).toEqual(all);
      expect(await receipts.pending(2)).toEqual(all.slice(0, 2));
      expect(await receipts.pending(2, all[1])).toEqual(all.slice(2));
      expect(await receipts.pending(2, all[2])).toEqual([]);
    });

    it('page through erasures of the same moment', async () => {
      const all = Array.from({ length: 7 }, (_, n) => noted(life(`s${n}`)));
      await receipts.note(all);
      const found: NotedErasure[] = [];
      for (let page = await receipts.pending(3); page.length > 0; page = await receipts.pending(3, page.at(-1)))
        found.push(...page);
      expect(found).toEqual(all);
    });

    it('are issued once: whoever comes later is given the one that stands', async () => {
      const ref = life('a');
      await receipts.note([noted(ref), noted(life('a', 2))]);
      expect(await receipts.find(ref)).toBeUndefined();
      const offered = Array.from({ length: 8 }, (_, n) => `{"receipt":"é ${n}"}`);
      const stood = await Promise.all(offered.map((receipt) => receipts.issue(ref, receipt)));
      expect(new Set(stood).size).toBe(1);
      expect(offered).toContain(stood[0]);
      expect(await receipts.issue(ref, 'another')).toBe(stood[0]);
      await receipts.note([noted(ref)]);
      expect(await receipts.find(ref)).toBe(stood[0]);
      expect((await receipts.pending(10)).map((one) => one.ref)).toEqual([life('a', 2)]);
    });

    it('are not issued for what was never noted', async () => {
      await expect(receipts.issue(life('a'), 'x')).rejects.toThrow(RangeError);
      expect(await receipts.find(life('a'))).toBeUndefined();
    });

    it('forget what waits for another log, and keep what was issued', async () => {
      await receipts.note([noted(life('a')), noted(life('b'))]);
      await receipts.issue(life('a'), 'x');
      await receipts.clearPending();
      expect(await receipts.pending(10)).toEqual([]);
      expect(await receipts.find(life('a'))).toBe('x');
      await receipts.note([noted(life('b'), NOW, '3')]);
      expect(await receipts.pending(10)).toEqual([noted(life('b'), NOW, '3')]);
    });

    it('tell who was told and who acknowledged, each with the first time, whether there is a receipt or not', async () => {
      const ref = life('a');
      expect(await receipts.subscribers(ref)).toEqual([]);
      await receipts.told(ref, 'wh_2', NOW + 1);
      await receipts.told(ref, 'wh_1', NOW);
      await receipts.told(ref, 'wh_1', NOW + 5);
      await receipts.acknowledged(ref, 'wh_1', NOW + 6);
      await receipts.acknowledged(ref, 'wh_1', NOW + 7);
      await receipts.acknowledged(ref, 'wh_3', NOW + 8);
      await receipts.told(ref, 'wh_3', NOW + 9);
      await receipts.told(life('a', 2), 'wh_4', NOW);
      expect(await receipts.subscribers(ref)).toEqual([
        { webhookId: 'wh_1', toldAt: NOW, acknowledgedAt: NOW + 6 },
        { webhookId: 'wh_2', toldAt: NOW + 1 },
        { webhookId: 'wh_3', toldAt: NOW + 8, acknowledgedAt: NOW + 8 },
      ]);
    });

    it('are healthy', () => expect(receipts.health()).resolves.toBeUndefined());

    if (shared) {
      it('are noted, and subscribers told, by two at once: the earliest times stand', async () => {
        const other = await anotherOf(harness);
        for (let n = 0; n < scale(5, 100); n += 1) {
          const ref = life(randomUUID());
          await Promise.all([receipts.note([noted(ref)]), other.note([noted(ref)])]);
          await Promise.all([receipts.told(ref, 'wh', NOW + 2), other.acknowledged(ref, 'wh', NOW + 1)]);
          expect(await other.subscribers(ref)).toEqual([{ webhookId: 'wh', toldAt: NOW + 1, acknowledgedAt: NOW + 1 }]);
        }
        expect(await receipts.pending(1_000)).toHaveLength(scale(5, 100));
      });

      it('are the same for another process', async () => {
        const other = await anotherOf(harness);
        const ref = life(randomUUID());
        await receipts.note([noted(ref)]);
        expect(await other.pending(10)).toEqual([noted(ref)]);
        const [one, two] = await Promise.all([receipts.issue(ref, 'one'), other.issue(ref, 'two')]);
        expect(one).toBe(two);
        expect(await other.find(ref)).toBe(one);
      });
    }
  });
}
