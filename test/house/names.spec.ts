import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { notRun } from '../support/not-run.js';

/** Every file of the repository, those not yet committed among them. */
const files = (): string[] => {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  return execFileSync('git', args, { encoding: 'utf8' }).split('\0').slice(0, -1);
};

describe('the names in the house', () => {
  if (!existsSync('.git')) {
    notRun('the names in the house', 'this folder is not a git clone');
    it.todo('needs a git clone');
    return;
  }

  it('say what is in a file: none is a barrel, or a drawer for the rest', () => {
    expect(files()).toContain('package.json');
    expect(files().filter((file) => /^(index|utils?|common|helpers?)(\.|$)/.test(basename(file)))).toEqual([]);
  });

  it('say what is in a folder, too', () => {
    expect(
      files().filter((file) => /(^|\/)(utils?|common|helpers?|libs?|interfaces)(\/|$)/.test(dirname(file))),
    ).toEqual([]);
  });
});
