import { openSqliteStores, type SqliteStores } from '../stores/sqlite/sqlite-stores.js';
import { TestClock } from '../../test/support/test-clock.js';
import type { Position } from '../event-sourcing/event-store.js';
import { readReceipt } from './receipt.js';
import { type DoneErasure, type IssuerParts, ReceiptIssuer } from './receipt-issuer.js';
import { SigningRing } from './signing-ring.js';

const ref = { subject: 'a', revision: 1 };
const done: DoneErasure = {
  customerId: 'a',
  life: 1,
  cause: 'requested',
  requestedTime: '2026-01-01T00:00:00.000Z',
  erasedTime: '2026-01-01T00:00:00.000Z',
  event: { id: 'e', stream: 'customer-a', revision: 1, hash: 'h' },
};

describe('the issuer of receipts', () => {
  let stores: SqliteStores;
  let clock: TestClock;
  const issuers: ReceiptIssuer[] = [];
  let is: { covered: boolean; redacted: boolean; looked: number };

  beforeEach(async () => {
    clock = new TestClock();
    stores = await openSqliteStores({ memory: true });
    is = { covered: true, redacted: true, looked: 0 };
    await stores.receipts.note([{ ref, at: clock.now(), position: '1' as Position }]);
  });
  afterEach(async () => {
    for (const issuer of issuers.splice(0)) await issuer.stop();
    await stores.close();
  });

  function start(more: Partial<IssuerParts> = {}): ReceiptIssuer {
    const issuer = new ReceiptIssuer({
      receipts: stores.receipts,
      checkpoints: stores.receiptCheckpoints,
      subjectKeys: stores.subjectKeys,
      endings: { done: () => Promise.resolve(is.redacted ? done : undefined) },
      logCheckpoints: {
        covering: async () => {
          is.looked += 1;
          return is.covered ? 'note' : undefined;
        },
      },
      ring: new SigningRing([{ id: 'k', key: new Uint8Array(32).fill(1) }]),
      clock,
      log: { warn: () => undefined, error: () => undefined },
      cachesMs: 0,
      issues: true,
      ...more,
    });
    issuers.push(issuer);
    issuer.start();
    return issuer;
  }
  const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const lookedTwice = (): Promise<void> => {
    const from = is.looked;
    return until(() => is.looked >= from + 2);
  };
  const issued = async (): Promise<boolean> => (await stores.receipts.find(ref)) !== undefined;

  it('waits for the key to be destroyed, the view to be redacted, the caches to be empty, and a checkpoint', async () => {
    is = { covered: false, redacted: false, looked: 0 };
    start({ cachesMs: 5_000, epochDays: 31 });
    await lookedTwice();
    is.covered = true;
    await lookedTwice();
    is.redacted = true;
    await lookedTwice();
    expect(await issued()).toBe(false);
    const { fingerprint } = await stores.subjectKeys.destroy(ref);
    await lookedTwice();
    clock.advance(4_999);
    await lookedTwice();
    expect(await issued()).toBe(false);
    clock.advance(1);
    await until(issued);
    expect(readReceipt((await stores.receipts.find(ref)) ?? '').payload).toMatchObject({
      ...done,
      keys: fingerprint === undefined ? [] : [{ revision: 1, fingerprint }],
      checkpoint: 'note',
      issuedTime: new Date(clock.now()).toISOString(),
      planned: { backupsUnreadableTime: '2026-02-01T00:00:00.000Z' },
    });
  });

  const missing: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['a checkpoint', async () => (is.covered = true)],
    ['the redaction of the view', async () => (is.redacted = true)],
    ['the destruction of the key', () => stores.subjectKeys.destroy(ref)],
  ];
  it.each(missing)('issues none while only %s is missing', async (what, comes) => {
    const key = { masterKeyId: 'm', wrapped: new Uint8Array(60), fingerprint: 'f'.repeat(64) };
    await stores.subjectKeys.create(ref, key);
    is = { covered: false, redacted: false, looked: 0 };
    for (const [other, othersCome] of missing) if (other !== what) await othersCome();
    start();
    await lookedTwice();
    expect(await issued()).toBe(false);
    await comes();
    await until(issued);
    expect(readReceipt((await stores.receipts.find(ref)) ?? '').payload.keys).toEqual([
      { revision: 1, fingerprint: key.fingerprint },
    ]);
  });

  it('leaves it to others where it does not issue, and says that nothing is planned where nothing is', async () => {
    await stores.subjectKeys.destroy(ref);
    start({ issues: false });
    const issuer = start();
    await until(issued);
    expect(readReceipt((await stores.receipts.find(ref)) ?? '').payload.planned.backupsUnreadableTime).toBeNull();
    await issuer.stop();
    expect(await stores.receipts.pending(10)).toEqual([]);
  });
});
