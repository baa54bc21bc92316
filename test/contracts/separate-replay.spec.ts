import fc from 'fast-check';
import { canonical, KNOWN_TYPES, replay } from '../../tools/verify-export.mjs';
import { foldCustomer } from '../../src/customers/customer-history.js';
import { EVENT_TYPES } from '../../src/subscribers/cloud-event.js';
import { MemoryLog } from '../faults/kernel-log.js';
import { CustomerModel, step } from '../support/audit-model.js';
import { scale } from '../support/scale.js';
import { SealedLog } from '../support/sealed-log.js';
import { seed } from '../support/seed.js';

describe('the replay of the separate verifier', () => {
  it('knows every event that a customer can have', () => {
    expect([...KNOWN_TYPES].sort()).toEqual(Object.keys(EVENT_TYPES).sort());
  });

  it('makes of any history, after each event, what the service makes of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
        const log = new SealedLog(new MemoryLog());
        const model = new CustomerModel('c1');
        for (const next of steps) {
          log.clock.advance(next.pause);
          const event = model.eventFor(next);
          if (event === undefined) continue;
          await log.append('c1', event.type, event.data, event.personal);
          model.take(event, log.clock.now());
        }
        let view: unknown;
        const events = await log.store.read('customer-c1');
        for (const [revision, event] of events.entries()) {
          view = replay(view, event);
          expect(canonical(view)).toBe(canonical(foldCustomer(events.slice(0, revision + 1)).view));
        }
      }),
      { numRuns: scale(50, 3_000), seed: seed() },
    );
  });
});
