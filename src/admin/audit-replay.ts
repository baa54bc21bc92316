import { mkdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Command } from 'commander';
import { hashOf } from '../access/secrets.js';
import { openPrivacy } from '../adapters.js';
import type { CustomerAudit } from '../audit/customer-audit.js';
import { LineFile } from '../audit/export-files.js';
import { Findings } from '../audit/verify-findings.js';
import { readAudited } from '../audit/verify-log.js';
import { CustomerError } from '../customers/domain/errors.js';
import { CUSTOMER_PREFIX, customerIdOf } from '../customers/streams.js';
import type { Actor } from '../event-sourcing/command-context.js';
import { StreamDamaged } from '../event-sourcing/stream-damage.js';
import { ApiError } from '../http/errors.js';
import { OPERATOR, recordUse } from './audit-use.js';
import { parseMoment } from './parse-moment.js';
import { progressBar } from './progress-bar.js';
import { type Opened, withStores } from './with-stores.js';
import { isValidAt } from '../access/api-keys.js';

interface ReplayOptions {
  readonly asOf: number;
  readonly out: string;
  readonly withPersonal?: true;
  readonly key?: string;
}

export function addAuditReplayCommand(audit: Command): void {
  audit
    .command('replay')
    .description('Write the state of all customers as of a time, as JSON lines; it follows from the log alone.')
    .requiredOption('--as-of <time>', 'a date-time of RFC 3339, or a date', parseMoment)
    .requiredOption('--out <file>', 'the file to write; must not be there')
    .option('--with-personal', 'with personal values in clear, where they are not erased; asks for a key')
    .option('--key <secret>', 'an API key with the scope audit:read.pii; or set AUDIT_API_KEY')
    .action((options: ReplayOptions) => withStores((opened) => replay(opened, options)));
}

async function replay({ config, stores }: Opened, { asOf, out, withPersonal, key }: ReplayOptions): Promise<void> {
  const pii = withPersonal === true;
  const actor = pii ? await allowed({ config, stores }, key ?? config.auditApiKey) : OPERATOR;
  const details = { asOf: new Date(asOf).toISOString(), personal: pii };
  await recordUse(stores.eventStore, { action: 'audit replay', details }, actor);
  if (pii) console.error('The file will hold personal values in clear, which no erasure reaches: you answer for it.');
  const { keys } = await openPrivacy(config, stores);
  // Brings the DTOs of the API with it, which take most of a second to load: no other command has a use for them.
  const { CustomerAudit } = await import('../audit/customer-audit.js');
  const customers = new CustomerAudit(stores.eventStore, keys, config);
  const head = await stores.eventStore.head();
  mkdirSync(dirname(out), { recursive: true });
  const file = new LineFile(dirname(out), basename(out));
  const bar = progressBar('Replaying');
  let [events, damaged] = [0, 0];
  try {
    const { eventStore: store } = stores;
    for await (const batch of head === undefined ? [] : readAudited(store, head, new Findings())) {
      // Each customer where its stream begins: its whole stream is read then, so no state is kept.
      const begun = batch.filter(({ stream, revision }) => revision === 0 && stream.startsWith(CUSTOMER_PREFIX));
      for (const { stream } of begun) {
        const state = await stateOf(customers, customerIdOf(stream), asOf, pii);
        if (state === 'damaged') damaged += 1;
        else await file.write(state);
      }
      events += batch.length;
      const last = batch.at(-1);
      if (last !== undefined && head !== undefined) {
        bar.update(store.fraction(last.position, head), `${String(events)} events`);
      }
    }
  } finally {
    bar.stop();
  }
  const { count } = await file.close();
  console.log(`${String(count)} customers as of ${details.asOf} are in ${out}.`);
  if (damaged === 0) return;
  console.error(`${String(damaged)} more are left out, for their streams are damaged: npm run admin -- audit verify`);
  process.exitCode = 1;
}

/** Nothing for one that was not there yet. */
async function stateOf(
  customers: CustomerAudit,
  id: string,
  time: number,
  pii: boolean,
): Promise<readonly object[] | 'damaged'> {
  try {
    return [await customers.asOf(id, { time }, pii)];
  } catch (error) {
    if (error instanceof CustomerError && error.code === 'not_found') return [];
    if (error instanceof StreamDamaged) return 'damaged';
    if (error instanceof ApiError && error.faults[0].code === 'log_altered') return 'damaged';
    throw error;
  }
}

/** @throws Error */
async function allowed({ stores }: Opened, secret: string | undefined): Promise<Actor> {
  if (secret === undefined) throw new Error('--with-personal asks for --key or AUDIT_API_KEY.');
  const key = await stores.apiKeys.findByHash(hashOf(secret));
  if (key === undefined || !isValidAt(key, Date.now()) || !key.scopes.includes('audit:read.pii')) {
    throw new Error('The key is not valid, or lacks the scope audit:read.pii.');
  }
  return { type: 'api_key', id: key.id };
}
