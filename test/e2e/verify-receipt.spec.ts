import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PLACES, type ReceiptPayload, signReceipt } from '../../src/privacy/receipt.js';
import { SigningRing } from '../../src/privacy/signing-ring.js';
import { notRun } from '../support/not-run.js';
import { scale } from '../support/scale.js';
import { cleanUp, launch, temporaryFolder } from '../support/service-process.js';

const run = promisify(execFile);
const ring = new SigningRing([{ id: '2026a', key: new Uint8Array(32).fill(5) }]);
const PUBLIC_KEY = Buffer.from(ring.publicKey('2026a')).toString('base64');
const payload: ReceiptPayload = {
  type: 'customer-erasure',
  version: 1,
  customerId: '5823594808',
  life: 1,
  cause: 'requested',
  reasonCode: 'gdpr_art_17',
  requestedTime: '2026-01-01T00:00:00.000Z',
  erasedTime: '2026-01-29T00:00:00.000Z',
  issuedTime: '2026-01-29T00:01:00.000Z',
  event: { id: 'e', stream: 'customer-5823594808', revision: 3, hash: 'h' },
  keys: [{ revision: 1, fingerprint: 'f' }],
  places: PLACES,
  checkpoint: 'log\n421\n"quoted" \\ {}\n\n\u2014 log signature\n',
  planned: { backupsUnreadableTime: null },
};

describe('a receipt', () => {
  let folder: string;
  const fileOf = async (name: string, text: string): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, text);
    return file;
  };
  /** As the service answers it. */
  const answerWith = (receipt: string): string =>
    JSON.stringify({
      customerId: '5823594808',
      state: 'erased',
      receipt: JSON.parse(receipt) as unknown,
      subscribers: [],
    });
  const verify = async (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> => {
    const admin = await launch({
      dataDir: folder,
      entry: 'dist/admin/main.js',
      args: ['privacy', 'verify-receipt', ...args],
    });
    const { code } = await admin.exited;
    return { code, stdout: admin.stdout, stderr: admin.stderr };
  };
  const receipt = signReceipt(payload, ring);

  beforeAll(async () => {
    folder = await temporaryFolder();
  });
  afterAll(cleanUp);

  it('is checked with nothing but the file and the public key, and refused when a letter of it was changed', async () => {
    const [good, bare, bad, none] = await Promise.all([
      fileOf('erasure.json', answerWith(receipt)),
      fileOf('receipt.json', JSON.stringify(JSON.parse(receipt), null, 2)),
      fileOf('bad.json', answerWith(receipt.replace('2026-01-29T00:00', '2026-01-28T00:00'))),
      fileOf('none.json', '{"state":"erasing"}'),
    ]);
    const [first, altered, wrong, ...more] = await Promise.all([
      verify(good, '--key', PUBLIC_KEY),
      verify(bad, '--key', PUBLIC_KEY),
      verify(good, '--key', 'x'),
      // Each is a process: the others in the long run.
      ...(scale(0, 1) === 0
        ? []
        : [
            verify(bare, '--key', PUBLIC_KEY),
            verify(good, '--key', Buffer.alloc(32, 1).toString('base64')),
            verify(none, '--key', PUBLIC_KEY),
          ]),
    ]);
    expect([first.code, altered.code, wrong.code]).toEqual([0, 1, 2]);
    expect(more.map(({ code }) => code)).toEqual([0, 1, 1].slice(0, more.length));
    expect(first.stdout).toContain('5823594808, life 1');
    expect(altered.stderr).toContain('NOT GENUINE');
  }, 60_000);

  it('is not signed by a service that has no such key', async () => {
    const { code, stderr } = await verify(await fileOf('other.json', receipt));
    expect([code, stderr]).toEqual([1, 'The service has no signing key "2026a".\n']);
  }, 60_000);

  it('is checked by openssl alone, as docs/privacy.md says', async () => {
    const doc = await readFile('docs/privacy.md', 'utf8');
    const script = /```sh\n(sed [\s\S]*?)```/.exec(doc)?.[1] ?? '';
    expect(script).toContain('openssl pkeyutl');
    if (!(await run('openssl', ['version']).catch(() => undefined))) {
      notRun('a check by openssl', 'there is none');
      return;
    }
    const sh = async (text: string): Promise<string> => {
      await fileOf('erasure.json', text);
      const env = { ...process.env, PUBLIC_KEY };
      return (
        await run('sh', ['-ec', script], { cwd: folder, env }).catch((error: unknown) => error as { stdout: string })
      ).stdout;
    };
    expect(await sh(answerWith(receipt))).toContain('Signature Verified Successfully');
    expect(await sh(answerWith(receipt.replace('"life":1', '"life":2')))).toContain('Signature Verification Failure');
  });
});
