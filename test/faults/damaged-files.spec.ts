import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, launch, type NodeProcess, temporaryFolder } from '../support/service-process.js';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { startTestApp } from '../support/test-app.js';
import { Random } from './crash-random.js';
import { type Answers, askAll, StoppedFolder, wrongAnswers } from './damaged-files.js';

const DAMAGES = scale(100, 20_000);

describe('a stopped data folder with a damaged file', () => {
  let dataDir: string;
  let folder: StoppedFolder;
  let before: Answers;

  beforeAll(async () => {
    dataDir = await temporaryFolder();
    const app = await startTestApp({ dataDir });
    const call = (method: string, url: string, body?: unknown): Promise<unknown> =>
      app.request({ method, url, ...(body !== undefined && { body }) });
    for (let n = 0; n < 30; n += 1) {
      await call('POST', '/customers', { id: `c${n}`, email: `c${n}@example.com`, metadata: { name: 'ä'.repeat(60) } });
      if (n % 2 === 0) await call('POST', `/customers/c${n}`, { locale: 'de_DE' });
      if (n % 5 === 0) await call('POST', `/customers/c${n}`, { requestToBeForgotten: true });
      if (n % 7 === 0) await call('DELETE', `/customers/c${n}`);
    }
    await call('POST', '/customers/c1', { locale: 'fr_CA' });
    await call('POST', '/webhooks', { url: 'https://example.com/hook' });
    await app.settled();
    await call('GET', '/audit/customers/c1/events');
    await app.close();
    folder = new StoppedFolder(dataDir);
    before = await askAll(dataDir);
    expect([...before].filter(([, answer]) => answer.length > 40).length).toBeGreaterThan(90);
    folder.restore(true);
    expect(await askAll(dataDir)).toEqual(before);
  });
  afterAll(cleanUp);

  it(
    `is refused by the name of the file, or answers as before what it answers, ${DAMAGES} times`,
    async () => {
      const random = new Random(seed(), 'damaged files');
      const wrong: string[] = [];
      for (let count = 0; count < DAMAGES; count += 1) {
        const marked = random.chance(0.7);
        folder.restore(marked);
        const damage = folder.damage(random);
        folder.apply(damage);
        const answers = await wrongAnswers(dataDir, damage.file, before);
        wrong.push(
          ...answers.map((answer) => `${damage.file}, ${damage.what}${marked ? '' : ', after a crash'}: ${answer}`),
        );
      }
      expect(wrong).toEqual([]);
    },
    scale(90_000, 3_600_000),
  );

  const START_MS = 20_000;
  const admin = async (...args: string[]): Promise<NodeProcess> => {
    const process = await launch({ dataDir, entry: 'dist/admin/main.js', args });
    await process.exited;
    return process;
  };

  it('is whole to admin check while it is', async () => {
    folder.restore(true);
    const check = await admin('check');
    expect(await check.exited).toEqual({ code: 0, signal: null });
    expect(check.stdout.match(/^\w+\.db\twhole$/gm)).toHaveLength(7);
  });

  it.each(['events', 'keys', 'views', 'access', 'webhooks', 'audit', 'receipts'])(
    'is refused by the process in one line, and told by admin check, where a page of %s.db is zeroed',
    async (name) => {
      const file = `${name}.db`;
      folder.restore(true);
      folder.apply(folder.zeroed(file, 2));
      const service = await launch({ dataDir });
      const timer = setTimeout(() => service.kill(), START_MS);
      expect(await service.exited).toEqual({ code: 1, signal: null });
      clearTimeout(timer);
      expect(service.stderr).toMatch(new RegExp(`^\\S+/${name}\\.db is damaged \\(.+\\): .*(restore|move) it .+\\n$`));
      const check = await admin('check');
      expect((await check.exited).code).toBe(1);
      expect(check.stdout).toMatch(new RegExp(`^${name}\\.db\\tdamaged\\n\\t(file|table \\w+): .+$`, 'm'));
      expect(check.stderr).toMatch(new RegExp(`/${name}\\.db is damaged: .*(restore|move) it `));
    },
  );

  it('is served with one customer told as altered where a value in an event was changed', async () => {
    folder.restore(true);
    const text = readFileSync(join(dataDir, 'events.db'), 'latin1');
    expect(text).toContain('"locale":"fr_CA"');
    // A page may hold an older copy of a row in its free space.
    const bytes = Buffer.from(text.replaceAll('"locale":"fr_CA"', '"locale":"fr_CH"'), 'latin1');
    folder.apply({ file: 'events.db', what: 'a locale changed', bytes });
    const check = await admin('check');
    expect(check.stdout).toContain('events.db\tdamaged\n\ttable events: 1 of its rows are not what was written');
    const after = await askAll(dataDir);
    const altered = [...after].filter(([, answer]) => answer.includes('"altered"')).map(([name]) => name);
    expect(altered).toEqual(['events of c1', 'all events']);
  });
});
