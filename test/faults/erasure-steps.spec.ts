import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openStores } from '../../src/adapters.js';
import { readConfig } from '../../src/config.js';
import type { Receipt } from '../../src/privacy/receipt.js';
import { scale } from '../support/scale.js';
import { cleanUp, type ServiceProcess, startService, temporaryFolder } from '../support/service-process.js';
import { request } from './crash-ledger.js';

interface Moment {
  readonly step: string;
  readonly call: number;
}
type Step = Moment & { readonly when: 'before' | 'after'; readonly since?: Moment; readonly long?: true };

const at = (when: Step['when'], step: string, more: Partial<Step> = {}): Step => ({ when, step, call: 1, ...more });
const destroyed: Moment = { step: 'subjectKeys.destroy', call: 1 };
const noted: Moment = { step: 'receipts.note', call: 1 };

/** In the order in which an erasure passes them. */
const STEPS: readonly Step[] = [
  at('before', 'eventStore.append', { long: true }),
  at('after', 'eventStore.append'),
  at('after', 'customerViews.save', { long: true }),
  at('after', 'answer', { long: true }),
  at('before', 'subjectKeys.destroy'),
  at('after', 'subjectKeys.destroy'),
  at('after', 'checkpoint.erasures', { since: destroyed, long: true }),
  at('before', 'receipts.note', { long: true }),
  at('after', 'receipts.note'),
  at('after', 'checkpoint.receipts', { since: noted, long: true }),
  at('before', 'receipts.issue'),
  at('after', 'receipts.issue'),
];
const isRun = ({ long }: Step): boolean => long !== true || scale(0, 1) === 1;

const STEP_MS = 60_000;
const preload = pathToFileURL(resolve('test/faults/crash-preload.mjs')).href;

describe('an erasure that was asked for, with the process killed', () => {
  let dataDir: string;
  let crashAt: string;
  let service: ServiceProcess;
  const proven = new Map<string, unknown>();

  beforeAll(async () => {
    dataDir = await temporaryFolder();
    crashAt = join(await temporaryFolder(), 'crash-at.json');
    service = await start();
  });
  afterAll(cleanUp);

  const start = (): Promise<ServiceProcess> =>
    startService({ dataDir, env: { LOG_LEVEL: 'warn', CRASH_AT: crashAt }, nodeArgs: ['--import', preload] });

  /** What is in the stores now that nobody works on them. A receipt says that all is done: then all must be. */
  async function expectNoReceiptTooEarly(id: string): Promise<void> {
    const stores = await openStores(readConfig({ DATA_DIR: dataDir }), { exclusive: false });
    try {
      const ref = { subject: id, revision: 1 };
      if ((await stores.receipts.find(ref)) === undefined) return;
      const view = await stores.customerViews.get(id);
      const key = await stores.subjectKeys.find(ref);
      expect([view?.status, view?.email, key.status]).toEqual(['erased', undefined, 'erased']);
    } finally {
      await stores.close();
    }
  }

  async function receiptOf(id: string): Promise<Receipt> {
    const giveUpAt = performance.now() + STEP_MS / 3;
    for (;;) {
      const { body } = await request(service, 'GET', `/customers/${id}/erasure`);
      if (body['state'] === 'erased') return body['receipt'] as Receipt;
      if (performance.now() > giveUpAt) throw new Error(`No receipt in time: ${JSON.stringify(body)}`);
    }
  }

  it.each(STEPS.filter(isRun).map((step) => [`${step.when} ${step.step}`, step] as const))(
    '%s comes to its end by itself, or when it is asked for again, and has one receipt then',
    async (name, step) => {
      const id = name.replaceAll(/[^a-z]+/gi, '-');
      await request(service, 'POST', '/customers', { id, email: `${id}@example.com` });
      const { long: _, ...moment } = step;
      await writeFile(crashAt, JSON.stringify(moment));
      service.kill('SIGUSR2');
      await service.printed(/^armed$/m);
      const erase = (): Promise<{ status: number }> =>
        request(
          service,
          'POST',
          `/customers/${id}/erasure`,
          { reasonCode: 'asked' },
          { 'Idempotency-Key': `key-${id}` },
        );
      const answer = await erase().catch(() => undefined);
      expect(await service.exited).toEqual({ code: null, signal: 'SIGKILL' });
      await expectNoReceiptTooEarly(id);
      service = await start();
      if (answer === undefined) expect((await erase()).status).toBe(200);
      const { payload } = await receiptOf(id);
      expect(payload).toMatchObject({ customerId: id, reasonCode: 'asked', keys: [{ revision: 1 }] });
      await expectNoReceiptTooEarly(id);
      proven.set(id, payload);
    },
    STEP_MS,
  );

  it('keeps every receipt as it was issued first', async () => {
    for (const [id, payload] of proven) expect((await receiptOf(id)).payload).toEqual(payload);
    expect(proven.size).toBe(STEPS.filter(isRun).length);
    await service.stop();
  });
});
