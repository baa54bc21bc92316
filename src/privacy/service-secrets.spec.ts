import { randomBytes } from 'node:crypto';
import { InMemorySubjectKeys } from '../../test/support/in-memory-subject-keys.js';
import { MasterKeys, MasterKeyUnknown } from './master-keys.js';
import { loadServiceSecrets } from './service-secrets.js';

const master = (id: string) => ({ id, key: randomBytes(32) });

describe('The service secrets', () => {
  it('are three different keys of 32 bytes', async () => {
    const { commandId, emailIndex, tokenSubject } = await loadServiceSecrets(
      new InMemorySubjectKeys(),
      new MasterKeys([master('a')]),
    );
    const all = [commandId, emailIndex, tokenSubject];
    expect(all.map((secret) => secret.length)).toEqual([32, 32, 32]);
    expect(new Set(all.map((secret) => Buffer.from(secret).toString('hex'))).size).toBe(3);
  });

  it('are made once: every start, and starts that race, get the same ones', async () => {
    const store = new InMemorySubjectKeys();
    const masterKeys = new MasterKeys([master('a')]);
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => loadServiceSecrets(store, masterKeys)));
    for (const other of [...others, await loadServiceSecrets(store, masterKeys)]) expect(other).toEqual(first);
  });

  it('stay the same when another master key becomes the active one', async () => {
    const store = new InMemorySubjectKeys();
    const [before, after] = [master('before'), master('after')];
    const first = await loadServiceSecrets(store, new MasterKeys([before]));
    expect(await loadServiceSecrets(store, new MasterKeys([after, before]))).toEqual(first);
  });

  it('stop the start with the name of the master key when it is not at hand', async () => {
    const store = new InMemorySubjectKeys();
    await loadServiceSecrets(store, new MasterKeys([master('lost')]));
    const start = loadServiceSecrets(store, new MasterKeys([master('new')]));
    await expect(start).rejects.toThrow(MasterKeyUnknown);
    await expect(start).rejects.toMatchObject({ masterKeyId: 'lost' });
  });
});
