import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { loadMasterKeys } from './master-key-file.js';
import { fingerprintOf, MasterKeyRefused } from './master-keys.js';

const ref = { subject: '5823594808', revision: 1 };

describe('The master key file', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'master-key-'));
    file = join(folder, 'made', 'deep', 'master.key');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const load = () => loadMasterKeys({ masterKeyFile: file });
  const write = async (bytes: Uint8Array, mode: number): Promise<void> => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
    await chmod(file, mode);
  };

  it('is made with 32 bytes, for its owner alone, and nothing is left beside it', async () => {
    await load();
    const { mode, size } = await stat(file);
    expect([(mode & 0o777).toString(8), size]).toEqual(['600', 32]);
    expect(((await stat(dirname(file))).mode & 0o777).toString(8)).toBe('700');
    expect(await readdir(dirname(file))).toEqual(['master.key']);
  });

  it('is used again by the next start, under an id that follows from it', async () => {
    const wrapped = (await load()).wrap(ref, randomBytes(32));
    const next = await load();
    expect(next.unwrap(ref, wrapped)).toHaveLength(32);
    expect(next.activeId).toBe(fingerprintOf(await readFile(file)).slice(0, 16));
  });

  it('is one and the same for starters that race', async () => {
    for (let round = 0; round < 100; round += 1) {
      file = join(folder, String(round), 'master.key');
      // Each sets out a little later than the one before, so that some come when another is half done.
      const starters = Array.from({ length: 8 }, async (_, turns) => {
        for (let turn = 0; turn < turns * (round % 10); turn += 1) await setImmediate();
        return load();
      });
      const ids = (await Promise.all(starters)).map(({ activeId }) => activeId);
      expect(new Set(ids)).toEqual(new Set([(await load()).activeId]));
      expect(await readdir(dirname(file))).toEqual(['master.key']);
    }
  });

  it.each([0, 31, 33, 44])('is refused with %i bytes, and left as it is', async (size) => {
    await write(Buffer.alloc(size, 1), 0o600);
    await expect(load()).rejects.toThrow(MasterKeyRefused);
    await expect(load()).rejects.toThrow(`Master key file ${file} is not 32 bytes long`);
    expect(await readFile(file)).toEqual(Buffer.alloc(size, 1));
  });

  it.each([0o604, 0o644, 0o602, 0o666])('is refused when every user can get at it: mode case %#', async (mode) => {
    await write(randomBytes(32), mode);
    await expect(load()).rejects.toThrow(MasterKeyRefused);
    await expect(load()).rejects.toThrow('set its mode to 0600');
  });

  it.each([0o400, 0o600, 0o440, 0o640])(
    'is taken when owner or group alone can read it: mode case %#',
    async (mode) => {
      await write(randomBytes(32), mode);
      expect((await load()).activeId).toHaveLength(16);
    },
  );

  it('is refused with a clear line where it can not be a file', async () => {
    await mkdir(file, { recursive: true });
    await expect(load()).rejects.toThrow(MasterKeyRefused);
    await writeFile(join(folder, 'flat'), '');
    file = join(folder, 'flat', 'master.key');
    await expect(load()).rejects.toThrow(/^Master key file .* can't be used \(ENOTDIR\)$/);
  });

  it('is not made when keys are configured', async () => {
    const configured = [{ id: 'mine', key: randomBytes(32) }];
    expect((await loadMasterKeys({ masterKeys: configured, masterKeyFile: file })).activeId).toBe('mine');
    expect(await readdir(folder)).toEqual([]);
  });

  it('opens, beside configured keys, what it wrapped before; those wrap from then on', async () => {
    const before = await load();
    const wrapped = before.wrap(ref, randomBytes(32));
    const mine = { id: 'mine', key: randomBytes(32) };
    const after = await loadMasterKeys({ masterKeys: [mine], masterKeyFile: file });
    expect(after.ids).toEqual(['mine', before.activeId]);
    expect(after.unwrap(ref, wrapped)).toHaveLength(32);
    expect(after.wrap(ref, randomBytes(32)).masterKeyId).toBe('mine');
    const moved = { id: before.activeId, key: await readFile(file) };
    const both = await loadMasterKeys({ masterKeys: [mine, moved], masterKeyFile: file });
    expect(both.ids).toEqual(['mine', before.activeId]);
  });
});
