import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { openPrivacy } from '../adapters.js';
import { CustomerProjection } from '../customers/read-model/customer-projection.js';
import { EmailIndexing } from '../customers/read-model/email-indexing.js';
import { rebuildViews } from '../customers/read-model/rebuild.js';
import { verifyCheckpoint } from '../event-sourcing/checkpoint-verification.js';
import type { Checkpoints } from '../event-sourcing/checkpoints.js';
import type { EventStore } from '../event-sourcing/event-store.js';
import { LogMismatch } from '../event-sourcing/store-errors.js';
import { beginOnOtherLog } from '../subscribers/webhooks/other-log.js';
import { progressBar } from './progress-bar.js';
import { type Opened, withStores } from './with-stores.js';

/** Every instance looks at the pointer of the live generation each second: two such periods. */
const SETTLE_MS = 2_000;
const LEASE = 'rebuild';
const LEASE_MS = 10_000;

export function addRebuildCommand(program: Command): void {
  program
    .command('rebuild')
    .description('Build the read model anew from the event log, then switch to it in one step; the service may run.')
    .action(() => withStores(underLease));
}

async function underLease(opened: Opened): Promise<void> {
  const { checkpoints } = opened.stores;
  const lease = await checkpoints.acquire(LEASE, `rebuild-${randomUUID()}`, LEASE_MS);
  if (lease === undefined) throw new Error('Another rebuild is running (or ended hard less than 10 seconds ago).');
  const renewal = setInterval(() => void checkpoints.renew(lease, LEASE_MS).catch(() => undefined), LEASE_MS / 3);
  try {
    await rebuild(opened);
  } finally {
    clearInterval(renewal);
    await checkpoints.release(lease);
  }
}

async function rebuild({ config, stores }: Opened): Promise<void> {
  const { eventStore: store, customerViews: views, checkpoints, keyCheckpoints } = stores;
  const { keys, secrets } = await openPrivacy(config, stores);
  const emails = new EmailIndexing(secrets);
  await forgetOtherLog(store, keyCheckpoints, 'erasures');
  await forgetOtherLog(store, checkpoints, 'sources');
  await forgetOtherLog(store, stores.webhookCheckpoints, 'webhooks', (sameLog) =>
    beginOnOtherLog(stores.webhooks, store, sameLog),
  );
  await forgetOtherLog(store, stores.auditCheckpoints, 'audit-tree', () => stores.auditTree.beginAnew());
  await forgetOtherLog(store, stores.receiptCheckpoints, 'receipts', () => stores.receipts.clearPending());
  const bar = progressBar('Rebuilding');
  const started = Date.now();
  const { events } = await rebuildViews({
    store,
    views,
    checkpoints,
    projectionInto: (generation) => new CustomerProjection(store, views, keys, emails, generation),
    onProgress: (progress) => {
      bar.update(progress.fraction, `${String(progress.events)} events`);
    },
    settleMs: SETTLE_MS,
  }).finally(() => {
    bar.stop();
  });
  console.log(
    `Rebuilt from ${String(events)} events in ${String((Date.now() - started) / 1000)} s; the new views are live.`,
  );
}

/**
 * A follower whose checkpoint was made from another log starts over on this one: all it does may be done again.
 * @param before what else is to be forgotten, first
 */
async function forgetOtherLog(
  store: EventStore,
  checkpoints: Checkpoints,
  name: string,
  before?: (sameLog: boolean) => Promise<void>,
): Promise<void> {
  const checkpoint = await checkpoints.load(name);
  if (checkpoint === undefined) return;
  try {
    await verifyCheckpoint(store, checkpoint, name);
  } catch (error) {
    if (!(error instanceof LogMismatch)) throw error;
    await before?.(checkpoint.logId === (await store.logId()));
    await checkpoints.remove(name);
  }
}
