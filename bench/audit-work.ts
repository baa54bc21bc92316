import { join } from 'node:path';
import type { Privacy, Stores } from '../src/adapters.js';
import { verifierKeys, writeVerifierKey } from '../src/audit/checkpoint-note.js';
import { CheckpointSigner } from '../src/audit/checkpoint-signer.js';
import { exportBundle } from '../src/audit/export-bundle.js';
import { catchUpTree } from '../src/audit/tree-catch-up.js';
import { verify } from '../src/audit/verify-service.js';
import { SystemClock } from '../src/event-sourcing/clock.js';
import type { Progress } from './child.js';

/** Every event into the tree, then signed. @returns how many */
export async function growTree({ eventStore, auditTree }: Stores, { signing }: Privacy): Promise<number> {
  const head = await eventStore.head();
  if (head !== undefined) await catchUpTree(eventStore, auditTree, head, 0);
  await new CheckpointSigner(auditTree, signing, new SystemClock()).sign();
  return auditTree.size();
}

/** @throws Error it found something: nothing was tampered with here */
export async function verifyAll(stores: Stores, { signing }: Privacy, onProgress: Progress): Promise<number> {
  const { events, verdict, findings } = await verify({
    store: stores.eventStore,
    tree: stores.auditTree,
    views: stores.customerViews,
    projected: await stores.eventStore.head(),
    keysOf: (origin) => verifierKeys(signing, origin),
    outside: [],
    now: 0,
    onProgress: (fraction, count) => onProgress(fraction, `${count} events verified`),
  });
  if (verdict !== 'sound') throw new Error(`The bench's own log is not sound: ${findings[0]?.message ?? ''}`);
  return events;
}

export async function exportAll(
  stores: Stores,
  { signing }: Privacy,
  dataDir: string,
  onProgress: Progress,
): Promise<number> {
  const checkpoint = await stores.auditTree.latestCheckpoint();
  if (checkpoint === undefined) throw new Error('The tree was not signed');
  const { events } = await exportBundle({
    store: stores.eventStore,
    tree: stores.auditTree,
    views: stores.customerViews,
    filter: {},
    checkpoint: () => Promise.resolve({ checkpoint, withinLog: true }),
    keys: verifierKeys(signing, checkpoint.origin).map(writeVerifierKey),
    held: [],
    projected: undefined,
    folder: join(dataDir, 'export'),
    verifier: 'tools/verify-export.mjs',
    madeAt: 0,
    onProgress: (fraction, count) => onProgress(fraction, `${count} events exported`),
  });
  return events;
}
