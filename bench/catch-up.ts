import type { Bench } from './bench.js';
import { step } from './bench.js';
import type { Progress } from './child.js';
import type { Replay } from './scale.js';
import type { Place } from './store-servers.js';

/** Three ways through the same log from its beginning, each the one before with more work. */
export interface CatchUps {
  readonly events: number;
  /** The client alone. */
  readonly raw: Replay;
  /** The adapter: what any new subscriber goes through. */
  readonly subscription: Replay;
  /** The projector, into views of its own that are empty. */
  readonly projector: Replay;
}

export async function catchUps(bench: Bench, place: Place, onProgress: Progress): Promise<CatchUps> {
  const { customers, eventsEach } = bench.options.stores.catchUp;
  const half = (index: number): Progress => step(onProgress, index, 2);
  const plan = { prefix: 'c', from: 0, to: customers, eventsEach };
  const { events } = await bench.onStores({ ...place, kind: 'seed', plans: [plan] }, half(0));
  const raw = await bench.onStores({ ...place, kind: 'raw-catch-up', events });
  const subscription = await bench.onStores({ ...place, kind: 'catch-up' });
  const projector = await bench.onStores({ ...place, kind: 'rebuild' }, half(1));
  for (const { events: seen } of [subscription, projector]) {
    if (seen !== events) throw new Error(`${events} events were written and ${seen} came through`);
  }
  return { events, raw, subscription, projector };
}
