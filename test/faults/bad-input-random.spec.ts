import fc from 'fast-check';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { WatchedApp } from './bad-input-app.js';
import { badMessage, badRequest, callOf, messageOf } from './bad-input-grammar.js';

/** Each begins with a fresh service, since a history without end would make every change slow. */
const ROUNDS = scale(1, 50);
const REQUESTS = 2_000;
const MESSAGES = scale(200, 100);
/** Shrinking a failure takes its time as well. */
const PATIENCE_MS = scale(180_000, 3_600_000);

/** Carries on with the seed that follows; the seed a failure names, given as FC_SEED, fails in the first round. */
async function inRounds(round: (app: WatchedApp, seedOfRound: number) => Promise<void>): Promise<void> {
  for (let count = 0; count < ROUNDS; count++) {
    const app = await WatchedApp.start({ bodyLimit: 20_000 });
    try {
      await furnish(app);
      await round(app, seed() + count);
      await app.expectIntact();
    } finally {
      await app.close();
    }
  }
}

async function furnish(app: WatchedApp): Promise<void> {
  for (const id of ['standing', 'beside', 'erased', 'deleted']) {
    const body = { id, email: 'jane@example.com', metadata: { a: 1 } };
    expect((await app.send({ method: 'POST', path: '/customers', body })).status).toBe(201);
  }
  await app.send({ method: 'POST', path: '/customers/erased', body: { requestToBeForgotten: true } });
  await app.app.service.dueErasures.run();
  await app.send({ method: 'DELETE', path: '/customers/deleted' });
}

describe('whatever is sent', () => {
  it(
    'is answered, never with a fault of ours, and a refusal changes nothing',
    async () => {
      const seen: Record<string, number> = {};
      await inRounds(async (app, seedOfRound) => {
        const property = fc.asyncProperty(badRequest, async ({ draft, changes, splices }) => {
          app.clock.advance(10);
          const { status, text } = await app.send(callOf(draft, changes, splices));
          const code = status < 400 ? '' : (/"code":"(\w+)"/.exec(text)?.[1] ?? '');
          seen[`${status} ${code}`] = (seen[`${status} ${code}`] ?? 0) + 1;
        });
        await fc.assert(property, { seed: seedOfRound, numRuns: REQUESTS });
      });
      // What was sent was bad enough, but not so bad that nothing came through.
      const counts = Object.entries(seen);
      const accepted = counts.reduce((sum, [name, count]) => sum + (name.startsWith('2') ? count : 0), 0);
      expect(accepted / (REQUESTS * ROUNDS)).toBeGreaterThan(0.1);
      expect(accepted / (REQUESTS * ROUNDS)).toBeLessThan(0.6);
      expect(Object.keys(seen)).toEqual(
        expect.arrayContaining([
          '200 ', '201 ', '400 invalid_parameter', '400 unknown_parameter', '400 invalid_format', '401 unauthorized',
          '404 not_found', '405 method_not_allowed', '409 already_exists', '409 customer_erased', '412 precondition_failed',
          '415 unsupported_media_type',
        ]),
      ); // prettier-ignore
    },
    PATIENCE_MS,
  );

  it(
    'in whatever bytes, is answered so or not at all, and the connection comes to its end',
    async () => {
      const statuses = new Set<number>();
      await inRounds(async (app, seedOfRound) => {
        const property = fc.asyncProperty(badMessage, async ({ draft, changes, splices }) => {
          app.clock.advance(10);
          const message = messageOf(callOf(draft, changes, []), app.app.secret, splices);
          for (const status of await app.raw(message)) statuses.add(status);
        });
        await fc.assert(property, { seed: seedOfRound, numRuns: MESSAGES });
      });
      expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 401, 404]));
    },
    PATIENCE_MS,
  );
});
