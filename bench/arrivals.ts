import { openPrivacy, openSourceDirectory, openStores } from '../src/adapters.js';
import { readConfig } from '../src/config.js';
import type { CustomerView } from '../src/customers/read-model/customer-view.js';
import { customerIdOf } from '../src/customers/streams.js';
import { SystemClock } from '../src/event-sourcing/clock.js';
import { within } from '../src/event-sourcing/deadline.js';
import { ServiceLogger } from '../src/http/service-logger.js';
import { Service } from '../src/service.js';
import { serve } from './child.js';
import { monotonicMs } from './machine.js';
import { subscribeRaw } from './raw-log.js';
import { START_MS } from './server.js';
import type { Place } from './store-servers.js';

/** Notes when what is appended arrives: at a subscription of the client alone, or in the views of the service. */
export type ArrivalTask =
  | { readonly kind: 'subscription' | 'views'; readonly place: Required<Place> }
  /** What arrived since the last time. */
  | { readonly kind: 'collect' }
  | { readonly kind: 'close' };

export interface Arrival {
  readonly id: string;
  /** This event of the customer, and every one before it, has arrived. */
  readonly revision: number;
  /** Milliseconds by {@link monotonicMs}. */
  readonly at: number;
}

let arrived: Arrival[] = [];
let close = (): Promise<void> => Promise.resolve();

async function work(task: ArrivalTask): Promise<readonly Arrival[]> {
  switch (task.kind) {
    case 'subscription':
      close = await watchSubscription(task.place);
      return [];
    case 'views':
      close = await watchViews(task.place);
      return [];
    case 'collect':
      return arrived.splice(0);
    case 'close':
      await close();
      return [];
    default:
      return task satisfies never;
  }
}

async function watchSubscription({ servers }: Required<Place>): Promise<() => Promise<void>> {
  const subscription = await subscribeRaw(servers, 'end', ({ stream, revision }) => {
    arrived.push({ id: customerIdOf(stream), revision, at: monotonicMs() });
  });
  return () => subscription.close();
}

/**
 * The service as it is, in this process, without a port to listen on: nobody asks it for anything, so whatever is written
 * to the views is the projector's work, and stands once the database has confirmed it.
 */
async function watchViews({ dataDir, servers }: Required<Place>): Promise<() => Promise<void>> {
  const config = readConfig({ DATA_DIR: dataDir, ROLE: 'worker', ...servers });
  const clock = new SystemClock();
  const stores = await openStores(config, { exclusive: true });
  const views = stores.customerViews;
  const save = views.save.bind(views);
  views.save = async (saved: readonly CustomerView[], generation?: number): Promise<void> => {
    await save(saved, generation);
    const at = monotonicMs();
    for (const { id, version } of saved) arrived.push({ id, revision: version, at });
  };
  const privacy = await openPrivacy(config, stores);
  const parts = { config, stores, privacy, directory: openSourceDirectory(config), clock };
  const late = (): Error => new Error(`The projector did not reach the head of the log in ${START_MS / 1000} s`);
  const service = await within(START_MS, Service.start(parts, new ServiceLogger('silent')), late);
  arrived = [];
  return async () => {
    await service.stop();
    await stores.close();
  };
}

serve(work);
