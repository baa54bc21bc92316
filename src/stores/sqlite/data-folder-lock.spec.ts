import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { transformFileSync } from '@swc/core';
import { DataFolderInUse, lockDataFolder } from './data-folder-lock.js';

describe('the lock on a data folder', () => {
  let folder: string;
  let programs: string;
  let child: ChildProcess | undefined;

  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'customers-')), 'data');
    // Inside the project, so that the program finds the driver.
    mkdirSync('test-output', { recursive: true });
    programs = mkdtempSync(resolve('test-output', 'lock-'));
  });
  afterEach(async () => {
    if (child?.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(join(folder, '..'), { recursive: true });
    rmSync(programs, { recursive: true });
  });

  /** Another process that holds the lock, by the very code of this one. */
  const heldElsewhere = async (): Promise<ChildProcess> => {
    const copied = new Set<string>();
    const copy = (path: string): void => {
      if (copied.has(path)) return;
      copied.add(path);
      const { code } = transformFileSync(`${path}.ts`);
      for (const [, imported = ''] of code.matchAll(/from '(\.[^']+)\.js'/g)) copy(join(dirname(path), imported));
      writeFileSync(join(programs, `${basename(path)}.js`), code.replaceAll('../../event-sourcing/', './'));
    };
    copy('src/stores/sqlite/data-folder-lock');
    writeFileSync(join(programs, 'package.json'), '{"type":"module"}');
    const program = `import { lockDataFolder } from './data-folder-lock.js';
      lockDataFolder(process.argv[2]); process.stdout.write('held'); setInterval(() => {}, 1000);`;
    writeFileSync(join(programs, 'hold.js'), program);
    const holder = spawn(process.execPath, [join(programs, 'hold.js'), folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    await once(holder.stdout, 'data');
    return holder;
  };

  it('makes the folder and is for its owner only', () => {
    lockDataFolder(folder)();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'server.lock')).mode & 0o777).toBe(0o600);
  });

  it('refuses a second holder with a line that names the folder', () => {
    const release = lockDataFolder(folder);
    expect(() => lockDataFolder(folder)).toThrow(DataFolderInUse);
    expect(() => lockDataFolder(folder)).toThrow(folder);
    release();
  });

  it('can be taken again once it was let go', () => {
    lockDataFolder(folder)();
    lockDataFolder(folder)();
  });

  it('refuses while another process holds it, and ends with that process when it is killed', async () => {
    child = await heldElsewhere();
    expect(() => lockDataFolder(folder)).toThrow(DataFolderInUse);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const release = lockDataFolder(folder);
    expect(() => lockDataFolder(folder)).toThrow(DataFolderInUse);
    release();
  });
});
