import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError } from 'commander';
import { openPrivacy } from '../adapters.js';
import { type SignedNote, verifierKeys, writeVerifierKey } from '../audit/checkpoint-note.js';
import { CheckpointSigner, originOf } from '../audit/checkpoint-signer.js';
import { exportBundle } from '../audit/export-bundle.js';
import { catchUpTree } from '../audit/tree-catch-up.js';
import { isoTime } from '../customers/read-model/project.js';
import { isCustomerId } from '../customers/streams.js';
import { SystemClock } from '../event-sourcing/clock.js';
import { collectHeld, projectedPosition, recordUse } from './audit-use.js';
import { parseMoment } from './parse-moment.js';
import { progressBar } from './progress-bar.js';
import { type Opened, withStores } from './with-stores.js';

const VERIFIER = fileURLToPath(new URL('../audit/verify-export.mjs', import.meta.url));

interface ExportOptions {
  readonly out: string;
  readonly customer?: string;
  readonly from?: number;
  readonly to?: number;
  readonly checkpoint?: readonly SignedNote[];
}

export function addAuditExportCommand(audit: Command): void {
  audit
    .command('export')
    .description(
      'Write a bundle that can be checked offline: events as stored (sealed), proofs, a signed checkpoint, the views, and\n' +
        'the verifier (node verify-export.mjs), which needs nothing of this service.',
    )
    .requiredOption('--out <folder>', 'the folder to write; must not hold an export')
    .option('--customer <id>', 'the events of one customer only', parseCustomer)
    .option('--from <time>', 'events from this time on (RFC 3339, or a date)', parseMoment)
    .option('--to <time>', 'events before this time', parseMoment)
    .option('--checkpoint <file>', 'one that is held outside: the proof that the export continues it', collectHeld)
    .action((options: ExportOptions) => withStores((opened) => run(opened, options)));
}

function parseCustomer(id: string): string {
  if (!isCustomerId(id)) throw new InvalidArgumentError('No customer can have this id.');
  return id;
}

async function run({ config, stores }: Opened, options: ExportOptions): Promise<void> {
  const { customer, from, to, out, checkpoint: held = [] } = options;
  const { signing } = await openPrivacy(config, stores);
  const { eventStore: store, auditTree: tree, customerViews: views } = stores;
  const clock = new SystemClock();
  const selected = customer === undefined ? {} : { customerId: customer };
  const details = {
    ...(from !== undefined && { from: isoTime(from) }),
    ...(to !== undefined && { to: isoTime(to) }),
  };
  await recordUse(store, { action: 'audit export', ...selected, details });
  const filter = { ...selected, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  const projected = await projectedPosition(stores);
  const bar = progressBar('Exporting');
  const { events } = await exportBundle({
    ...{ store, tree, views, filter, held, projected },
    checkpoint: async () => {
      const head = await store.head();
      if (head !== undefined) await catchUpTree(store, tree, head);
      await new CheckpointSigner(tree, signing, clock).sign();
      const checkpoint = await tree.latestCheckpoint();
      if (checkpoint === undefined) throw new Error('There is nothing to export: the log is empty.');
      const withinLog = head !== undefined && store.comparePositions(checkpoint.position, head) >= 0;
      return { checkpoint, withinLog };
    },
    keys: verifierKeys(signing, originOf(await tree.id())).map(writeVerifierKey),
    folder: out,
    verifier: VERIFIER,
    madeAt: clock.now(),
    onProgress: (fraction, count) => {
      bar.update(fraction, `${String(count)} events`);
    },
  }).finally(() => {
    bar.stop();
  });
  console.log(`${String(events)} events are in ${out}. To check them: node ${out}/verify-export.mjs`);
}
