import type { Command } from 'commander';
import type { Stores } from '../adapters.js';
import { requireRepaired } from '../customers/require-repaired.js';
import { sourceStream } from '../customers/sources/source-events.js';
import { customerStream } from '../customers/streams.js';
import { SystemClock } from '../event-sourcing/clock.js';
import type { Hold } from '../event-sourcing/holds.js';
import { Quarantine } from '../event-sourcing/quarantine.js';
import { releaseStream } from '../event-sourcing/release.js';
import { StreamDamaged } from '../event-sourcing/stream-damage.js';
import { OPERATOR, recordUse } from './audit-use.js';
import { withStores } from './with-stores.js';

export function addCustomerCommands(program: Command): void {
  const customers = program.command('customers').description('List and release what is set aside as damaged.');
  customers
    .command('set-aside')
    .description('List the streams that are set aside, with what is wrong with each; the service may run.')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 called wrongly.')
    .action(({ json = false }: { readonly json?: boolean }) => withStores(({ stores }) => list(stores, json)));
  customers
    .command('release')
    .description('Release a customer whose stream is repaired: what was held is delivered; the service may run.')
    .argument('<id>', "the customer's id, or with --source the source's")
    .option('--source', 'a source in place of a customer')
    .addHelpText('after', '\nExit codes: 0 released, 1 not repaired or not set aside, 2 called wrongly.')
    .action((id: string, { source = false }: { readonly source?: boolean }) =>
      withStores(({ stores }) => release(stores, id, source)),
    );
}

/** What is set aside, by the log. @throws StoreUnavailable */
export async function quarantineOf({ eventStore }: Pick<Stores, 'eventStore'>): Promise<Quarantine> {
  const quarantine = new Quarantine(eventStore, new SystemClock());
  await quarantine.catchUp();
  return quarantine;
}

async function list(stores: Stores, json: boolean): Promise<void> {
  const { open } = await quarantineOf(stores);
  for (const hold of open) console.log(json ? JSON.stringify(told(hold)) : Object.values(told(hold)).join('  '));
  if (!json && open.length === 0) console.log('Nothing is set aside.');
}

const told = ({ stream, damage, from, at }: Hold) => ({
  // Somebody else may have named it.
  stream: /^[\w.-]+$/.test(stream) ? stream : JSON.stringify(stream),
  damage,
  since: new Date(at).toISOString(),
  ...(from !== undefined && { revision: from }),
});

async function release({ eventStore: store }: Stores, id: string, source: boolean): Promise<void> {
  const stream = source ? sourceStream(id) : customerStream(id);
  const about = source ? { details: { sourceId: id } } : { customerId: id };
  await recordUse(store, { action: 'customers release', ...about });
  try {
    const held = await releaseStream(
      {
        store,
        clock: new SystemClock(),
        actor: OPERATOR,
        requireRepaired: (events) => requireRepaired(stream, events),
      },
      stream,
    );
    console.log(`Released. ${String(held)} events were held and are delivered now.`);
  } catch (error) {
    if (!(error instanceof StreamDamaged)) throw error;
    const place = error.revision === undefined ? '' : ` (revision ${String(error.revision)})`;
    throw new Error(`It is not repaired: ${error.message}${place}. Nothing was released.`, { cause: error });
  }
}
