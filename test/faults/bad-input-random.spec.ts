import fc from 'fast-check';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { WatchedApp } from './bad-input-app.js';
import { badMessage, badRequest, callOf, messageOf } from './bad-input-grammar.js';

/** Shrinking a failure takes its time as well. */
const PATIENCE_MS = scale(180_000, 3_600_000);

describe('whatever is sent', () => {
  let app: WatchedApp;
  beforeAll(async () => {
    app = await WatchedApp.start({ bodyLimit: 20_000 });
    for (const id of ['standing', 'beside', 'erased', 'deleted']) {
      const body = { id, email: 'jane@example.com', metadata: { a: 1 } };
      expect((await app.send({ method: 'POST', path: '/customers', body })).status).toBe(201);
    }
    await app.send({ method: 'POST', path: '/customers/erased', body: { requestToBeForgotten: true } });
    await app.app.service.dueErasures.run();
    await app.send({ method: 'DELETE', path: '/customers/deleted' });
  });
  afterAll(() => app.close());

  it(
    'is answered, never with a fault of ours, and a refusal changes nothing',
    async () => {
      const seen: Record<string, number> = {};
      await fc.assert(
        fc.asyncProperty(badRequest, async ({ draft, changes, splices }) => {
          app.clock.advance(10);
          const { status, text } = await app.send(callOf(draft, changes, splices));
          const code = status < 400 || text === '' ? '' : /"code":"(\w+)"/.exec(text)?.[1];
          seen[`${status} ${code ?? ''}`] = (seen[`${status} ${code ?? ''}`] ?? 0) + 1;
        }),
        { seed: seed(), numRuns: scale(2_000, 100_000), endOnFailure: false },
      );
      await app.expectIntact();
      // What was sent was bad enough, but not so bad that nothing came through.
      const accepted = Object.entries(seen).reduce((sum, [name, count]) => sum + (name.startsWith('2') ? count : 0), 0);
      expect(accepted / scale(2_000, 100_000)).toBeGreaterThan(0.1);
      expect(accepted / scale(2_000, 100_000)).toBeLessThan(0.6);
      expect(Object.keys(seen)).toEqual(
      expect.arrayContaining([
        '200 ', '201 ', '400 invalid_parameter', '400 unknown_parameter', '400 invalid_format', '401 unauthorized',
        '404 not_found', '405 method_not_allowed', '409 already_exists', '409 customer_erased', '412 precondition_failed', '415 unsupported_media_type',
      ]),
    ); // prettier-ignore
    },
    PATIENCE_MS,
  );

  it(
    'in whatever bytes, is answered so or not at all, and the connection comes to its end',
    async () => {
      const statuses = new Set<number>();
      await fc.assert(
        fc.asyncProperty(badMessage, async ({ draft, changes, splices }) => {
          app.clock.advance(10);
          const message = messageOf(callOf(draft, changes, []), app.app.secret, splices);
          for (const status of await app.raw(message)) statuses.add(status);
        }),
        { seed: seed(), numRuns: scale(200, 5_000), endOnFailure: false },
      );
      await app.expectIntact();
      expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 401, 404]));
    },
    PATIENCE_MS,
  );
});
