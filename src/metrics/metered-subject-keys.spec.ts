import { describeSubjectKeys } from '../../test/contracts/subject-keys.contract.js';
import { InMemorySubjectKeys } from '../../test/support/in-memory-subject-keys.js';
import type { KeyRef, WrappedKey } from '../privacy/subject-keys.js';
import { MeteredSubjectKeys } from './metered-subject-keys.js';

describeSubjectKeys(
  'metered',
  async () => {
    const inner = new InMemorySubjectKeys();
    const putBack = async (ref: KeyRef, key: WrappedKey): Promise<void> => inner.plant(ref, key);
    return { port: new MeteredSubjectKeys(inner), close: async () => undefined, putBack };
  },
  false,
);

describe('the metered key store', () => {
  const ref = { subject: 'c1', revision: 1 };
  const key = { masterKeyId: 'm', wrapped: new Uint8Array([1]), fingerprint: 'f' };
  const counts = ({ operations }: MeteredSubjectKeys): Record<string, number> =>
    Object.fromEntries(
      [...operations.entries]
        .filter(({ count }) => count > 0)
        .map(({ labels: { operation, outcome }, count }) => [`${operation} ${outcome}`, count]),
    );

  it('counts each operation by what came of it, and no health check', async () => {
    const inner = new InMemorySubjectKeys();
    const metered = new MeteredSubjectKeys(inner);
    await metered.find(ref);
    await metered.findMany([ref, ref]);
    await metered.create(ref, key);
    await metered.destroy(ref);
    await metered.secret('s', key);
    await metered.health();
    expect(counts(metered)).toEqual({
      'find done': 1,
      'find_many done': 1,
      'create done': 1,
      'destroy done': 1,
      'secret done': 1,
    });
    inner.outOfReach = true;
    await expect(metered.destroy(ref)).rejects.toThrow('subject_keys');
    expect(counts(metered)).toMatchObject({ 'destroy done': 1, 'destroy unavailable': 1 });
  });

  it('counts a failure that is no outage as one, also when it is thrown at once', async () => {
    const inner = new InMemorySubjectKeys();
    inner.find = () => {
      throw new RangeError('broken');
    };
    const metered = new MeteredSubjectKeys(inner);
    await expect(metered.find(ref)).rejects.toThrow('broken');
    expect(counts(metered)).toEqual({ 'find failed': 1 });
  });

  it('has every count from the start, so that the first rise of one is seen', () => {
    expect([...new MeteredSubjectKeys(new InMemorySubjectKeys()).operations.entries]).toHaveLength(15);
  });
});
