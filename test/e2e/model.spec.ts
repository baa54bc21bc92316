import fc from 'fast-check';
import { DueErasures } from '../../src/customers/commands/due-erasures.js';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { startTestApp, TestClock } from '../support/test-app.js';
import { steps } from './model-arbitraries.js';
import type { Step } from './model-commands.js';
import { Driver, findSource } from './model-driver.js';

const COMMANDS = scale(3_000, 100_000);

async function play(sequence: readonly Step[], pageSize: number): Promise<number> {
  const clock = new TestClock();
  const app = await startTestApp({ clock, directory: { find: (id) => Promise.resolve(findSource(id)) } });
  try {
    const driver = new Driver(app, clock.now());
    let count = 0;
    for (const step of sequence) {
      switch (step.kind) {
        case 'one':
          await driver.one(step.request);
          count += 1;
          break;
        case 'at_once':
          await driver.atOnce(step.requests);
          count += step.requests.length;
          break;
        case 'time_passes':
          clock.advance(step.ms);
          driver.timePasses(step.ms);
          break;
        case 'due_erasures':
          await app.service.app.get(DueErasures).run();
          driver.dueErasuresRan();
          break;
        default:
          step satisfies never;
      }
    }
    await driver.lookAtEverything(pageSize);
    return count;
  } finally {
    await app.close();
  }
}

describe('The service, driven by random requests', () => {
  it(
    'answers every one as a simple model of the contract does, also when several are under way at once',
    async () => {
      let done = 0;
      let failed = false;
      const property = fc.asyncProperty(steps, fc.constantFrom(1, 2, 3), async (sequence, pageSize) => {
        if (done >= COMMANDS && !failed) return;
        try {
          done += await play(sequence, pageSize);
        } catch (error) {
          failed = true;
          throw error;
        }
      });
      await fc.assert(property, { seed: seed(), numRuns: COMMANDS });
      expect(done).toBeGreaterThanOrEqual(COMMANDS);
    },
    scale(600_000, 3_600_000),
  );
});
