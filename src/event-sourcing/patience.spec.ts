import { patiently } from './patience.js';
import { StoreUnavailable } from './store-errors.js';

const away = new StoreUnavailable('event_log');
const failing = (times: number, error: unknown = away): { tries: number; step: () => Promise<string> } => {
  const work = {
    tries: 0,
    step: async () => {
      work.tries += 1;
      if (work.tries <= times) throw error as Error;
      return 'done';
    },
  };
  return work;
};

describe('A step that is tried again', () => {
  it('succeeds once its store answers, and tells of the first failure alone', async () => {
    const told: unknown[] = [];
    const work = failing(3);
    expect(await patiently(work.step, { ms: 10_000, onFailure: (error) => told.push(error) })).toBe('done');
    expect(work.tries).toBe(4);
    expect(told).toEqual([away]);
  });

  it('fails with what it failed with last, when its time is over', async () => {
    const work = failing(Infinity);
    const begun = performance.now();
    await expect(patiently(work.step, { ms: 300 })).rejects.toBe(away);
    expect(performance.now() - begun).toBeGreaterThan(290);
    expect(work.tries).toBeGreaterThan(1);
    expect(work.tries).toBeLessThan(10);
  });

  it.each([
    ['that is no outage', failing(1, new RangeError('no')), undefined],
    ['that is not worth it', failing(1), () => false],
  ])('fails at once with an error %s', async (_, work, worthIt) => {
    await expect(patiently(work.step, { ms: 10_000, ...(worthIt && { worthIt }) })).rejects.toBeInstanceOf(Error);
    expect(work.tries).toBe(1);
  });
});
