import { SCOPES } from '../src/access/scopes.js';
import { apiKeyFor } from '../src/access/secrets.js';
import { openPrivacy, openStores, type Privacy, type Stores } from '../src/adapters.js';
import { readConfig } from '../src/config.js';
import { CustomerProjection } from '../src/customers/read-model/customer-projection.js';
import { EmailIndexing } from '../src/customers/read-model/email-indexing.js';
import { rebuildViews } from '../src/customers/read-model/rebuild.js';
import { CUSTOMER_PREFIX } from '../src/customers/streams.js';
import { exportAll, growTree, verifyAll } from './audit-work.js';
import { type Progress, serve } from './child.js';
import { type ListPlan, listPlans } from './list-plans.js';
import { MemoryWatch, type MemoryUse } from './memory-watch.js';
import { seed, type SeedPlan, TOGETHER } from './seeding.js';
import { KEY, REDACTED_KEY, REDACTED_SCOPES } from './server.js';
import type { Place, ServiceSettings } from './store-servers.js';

/** Work on the stores of a stopped service. */
export type StoreTask = Place &
  (
    | { readonly kind: 'seed'; readonly plans: readonly SeedPlan[] }
    /** The keys that the load has, where one is not enough: with any key there, the service makes none at its start. */
    | { readonly kind: 'keys' }
    | { readonly kind: 'rebuild' }
    | { readonly kind: 'catch-up' }
    /** With the client alone. `events`: how many there are. */
    | { readonly kind: 'raw-catch-up'; readonly events: number }
    | { readonly kind: 'plans' }
    | { readonly kind: 'grow-tree' | 'verify' | 'export' }
  );

export interface StoreResult {
  readonly events: number;
  readonly seconds: number;
  readonly memory: MemoryUse;
  readonly plans: readonly ListPlan[];
}

async function work(task: StoreTask, onProgress: Progress): Promise<StoreResult> {
  const config = readConfig({ DATA_DIR: task.dataDir, ...task.servers });
  const stores = await openStores(config, { exclusive: true });
  try {
    const privacy = await openPrivacy(config, stores);
    const plans = task.kind === 'plans' ? await listPlans(task.dataDir, stores.customerViews) : [];
    const memory = new MemoryWatch();
    const started = performance.now();
    const { events, endedAt } = await eventsOf(task, stores, privacy, onProgress);
    return { events, seconds: (endedAt - started) / 1000, memory: memory.end(), plans };
  } finally {
    await stores.close();
  }
}

interface Done {
  readonly events: number;
  readonly endedAt: number;
}

async function eventsOf(task: StoreTask, stores: Stores, privacy: Privacy, onProgress: Progress): Promise<Done> {
  switch (task.kind) {
    case 'seed': {
      let events = 0;
      const together = task.servers === undefined ? TOGETHER.embedded : TOGETHER.servers;
      for (const plan of task.plans) {
        events += await seed(stores.eventStore, privacy.keys, { ...plan, together }, onProgress);
      }
      return { events, endedAt: performance.now() };
    }
    case 'keys':
      await stores.apiKeys.add(apiKeyFor(KEY, { name: 'bench', scopes: SCOPES }, Date.now()));
      await stores.apiKeys.add(apiKeyFor(REDACTED_KEY, { name: 'redacted', scopes: REDACTED_SCOPES }, Date.now()));
      return { events: 0, endedAt: performance.now() };
    case 'rebuild':
      return rebuild(stores, privacy, onProgress);
    case 'catch-up':
      return { events: await catchUp(stores), endedAt: performance.now() };
    case 'raw-catch-up':
      await rawCatchUp(task.servers, task.events);
      return { events: task.events, endedAt: performance.now() };
    case 'plans':
      return { events: 0, endedAt: performance.now() };
    case 'grow-tree':
      return { events: await growTree(stores, privacy), endedAt: performance.now() };
    case 'verify':
      return { events: await verifyAll(stores, privacy, onProgress), endedAt: performance.now() };
    case 'export':
      return { events: await exportAll(stores, privacy, task.dataDir, onProgress), endedAt: performance.now() };
    default:
      return task satisfies never;
  }
}

/** Timed up to the last event: the waits for other instances are left out, for there are none. */
async function rebuild(
  { eventStore: store, customerViews: views, checkpoints }: Stores,
  privacy: Privacy,
  onProgress: Progress,
): Promise<Done> {
  const emails = new EmailIndexing(privacy.secrets);
  let endedAt = performance.now();
  const { events } = await rebuildViews({
    store,
    views,
    checkpoints,
    projectionInto: (generation) => new CustomerProjection(store, views, privacy.keys, emails, generation),
    onProgress: (progress) => {
      endedAt = performance.now();
      onProgress(progress.fraction, `${progress.events} events projected`);
    },
    settleMs: 0,
  });
  return { events, endedAt };
}

/** What a new subscriber goes through: every event of the log, parsed, in order, up to the first mark. */
async function catchUp({ eventStore }: Stores): Promise<number> {
  const end = new AbortController();
  let events = 0;
  for await (const message of eventStore.subscribe({ prefixes: [CUSTOMER_PREFIX], signal: end.signal })) {
    if (message.kind === 'event') events += 1;
    if (message.kind === 'caught_up') end.abort();
  }
  return events;
}

/** The driver is loaded only where it is used: the memory of other work is told too. */
async function rawCatchUp(servers: ServiceSettings | undefined, events: number): Promise<void> {
  if (servers === undefined) throw new Error('There is no client of the embedded log');
  const { readRaw } = await import('./raw-log.js');
  await readRaw(servers, events);
}

serve(work);
