import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { openPrivacy, type Stores } from '../adapters.js';
import { CustomerProjection } from '../customers/read-model/customer-projection.js';
import { EmailIndexing } from '../customers/read-model/email-indexing.js';
import { rebuildViews } from '../customers/read-model/rebuild.js';
import { verifyCheckpoint } from '../event-sourcing/checkpoint-verification.js';
import { inspectEvent } from '../customers/event-inspection.js';
import { SystemClock } from '../event-sourcing/clock.js';
import { Quarantine } from '../event-sourcing/quarantine.js';
import { QuarantinedLog } from '../event-sourcing/quarantined-log.js';
import { QuarantiningHandler } from '../event-sourcing/quarantining-handler.js';
import type { Checkpoints } from '../event-sourcing/checkpoints.js';
import type { EventStore } from '../event-sourcing/event-store.js';
import { LogMismatch } from '../event-sourcing/store-errors.js';
import { patiently } from '../privacy/patience.js';
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
    .action(() => withStores(underLease, patiently));
}

async function underLease(opened: Opened): Promise<void> {
  const { checkpoints } = opened.stores;
  const owner = `rebuild-${randomUUID()}`;
  const lease = await patiently(() => checkpoints.acquire(LEASE, owner, LEASE_MS));
  if (lease === undefined) throw new Error('Another rebuild is running (or ended hard less than 10 seconds ago).');
  const renewal = setInterval(() => void checkpoints.renew(lease, LEASE_MS).catch(() => undefined), LEASE_MS / 3);
  try {
    await rebuild(opened);
  } finally {
    clearInterval(renewal);
    // One that is not given back ends by itself; what was done is done.
    await checkpoints.release(lease).catch(() => undefined);
  }
}

async function rebuild({ config, stores }: Opened): Promise<void> {
  const { eventStore: store, customerViews: views, checkpoints } = stores;
  const quarantine = new Quarantine(store, new SystemClock());
  const { keys, secrets } = await patiently(() => openPrivacy(config, stores));
  const emails = new EmailIndexing(secrets);
  await patiently(() => forgetOtherLogs(stores));
  const bar = progressBar('Rebuilding');
  const started = Date.now();
  const { events } = await rebuildViews({
    store: new QuarantinedLog(store, quarantine, inspectEvent),
    views,
    checkpoints,
    projectionInto: (generation) =>
      new QuarantiningHandler(new CustomerProjection(store, views, keys, emails, generation), quarantine),
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

async function forgetOtherLogs(stores: Stores): Promise<void> {
  const { eventStore: store, checkpoints, keyCheckpoints } = stores;
  await forgetOtherLog(store, keyCheckpoints, 'erasures');
  await forgetOtherLog(store, checkpoints, 'sources');
  await forgetOtherLog(store, stores.webhookCheckpoints, 'webhooks', (sameLog) =>
    beginOnOtherLog(stores.webhooks, store, sameLog),
  );
  await forgetOtherLog(store, stores.auditCheckpoints, 'audit-tree', () => stores.auditTree.beginAnew());
  await forgetOtherLog(store, stores.receiptCheckpoints, 'receipts', () => stores.receipts.clearPending());
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
