import { CheckpointSigner, originOf } from '../../src/audit/checkpoint-signer.js';
import { type VerifierKey, verifierKeys } from '../../src/audit/checkpoint-note.js';
import type { SignedCheckpoint } from '../../src/audit/audit-tree.js';
import { CheckpointRounds } from '../../src/audit/checkpoint-rounds.js';
import type { CustomerView } from '../../src/customers/read-model/customer-view.js';
import type { SigningRing } from '../../src/privacy/signing-ring.js';
import { CopiedLog, CopiedTree } from './copied-audit.js';
import { startTestApp, TestClock } from './test-app.js';

/** What a service holds after some use, copied: the log, the tree with its checkpoints, the views. */
export interface AuditedWorld {
  readonly log: CopiedLog;
  readonly treeId: string;
  readonly checkpoints: readonly SignedCheckpoint[];
  readonly views: readonly CustomerView[];
  readonly ring: SigningRing;
  readonly keysOf: (origin: string) => readonly VerifierKey[];
  tree(): CopiedTree;
}

const SOURCE = 'fd74a5c5-0163-469a-ae8e-031f0259b576';

/** Customers with a source and holds, one erased, one deleted and created anew; checkpoints on the way and at the end. */
export async function anAuditedWorld(customers = 4): Promise<AuditedWorld> {
  const clock = new TestClock();
  const app = await startTestApp({ clock });
  try {
    const send = (method: string, url: string, body?: unknown) =>
      app.request({ method, url, ...(body !== undefined && { body }) });
    const signer = new CheckpointSigner(app.stores.auditTree, app.privacy.signing, clock);
    for (let n = 0; n < customers; n += 1) {
      const id = `c${String(n)}`;
      await send('POST', '/customers', { id, email: `${id}@example.com`, metadata: { n } });
      await send('POST', `/customers/${id}`, { locale: 'de_DE', email: `${id}.new@example.com` });
      await send('POST', `/customers/${id}`, { enabled: false });
      clock.advance(1_000);
      await app.settled();
      if (n % 2 === 0) await signer.sign();
    }
    await send('POST', `/customers/c0/sources/${SOURCE}`);
    await send('PUT', '/customers/c0/legal-hold');
    await send('PUT', '/customers/c1/legal-hold');
    await send('DELETE', '/customers/c1/legal-hold');
    await send('POST', '/customers/c1', { requestToBeForgotten: true });
    await send('POST', '/customers/c3/erasure', { reasonCode: 'asked' });
    await send('DELETE', '/customers/c2');
    await send('POST', '/customers', { id: 'c2', email: 'again@example.com' });
    clock.advance(61_000);
    await app.settled();
    await app.service.app.get(CheckpointRounds).run();
    await signer.sign();
    const log = await CopiedLog.of(app.stores.eventStore);
    const treeId = await app.stores.auditTree.id();
    const checkpoints = await app.stores.auditTree.checkpointsAfter(0, 1_000);
    const ids = await app.stores.customerViews.ids(undefined, 1_000);
    const views = [...(await app.stores.customerViews.getMany(ids)).values()];
    const { signing: ring } = app.privacy;
    const tree = CopiedTree.over(log.events, treeId, checkpoints);
    const keys = verifierKeys(ring, originOf(treeId));
    return {
      log,
      treeId,
      checkpoints,
      views,
      ring,
      keysOf: (origin) => (origin === originOf(treeId) ? keys : verifierKeys(ring, origin)),
      tree: () => tree.copy(),
    };
  } finally {
    await app.close();
  }
}
