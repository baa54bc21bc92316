import { type Batch, batches } from '../../src/event-sourcing/batches.js';
import type { Position, RecordedEvent, SubscriptionMessage } from '../../src/event-sourcing/event-store.js';
import { draft, following } from './kernel-faulty-log.js';

const position = (at: number): Position => String(at) as Position;

function event(at: number): SubscriptionMessage {
  const [first] = following('customer-1', undefined, [draft('Happened')]);
  if (first === undefined) throw new RangeError('An event was to be made');
  const recorded: RecordedEvent = { ...first, position: position(at), recordedAt: 0 };
  return { kind: 'event', event: recorded };
}

const mark = (at: number): SubscriptionMessage => ({ kind: 'checkpoint', position: position(at) });
const CAUGHT_UP: SubscriptionMessage = { kind: 'caught_up' };

/** Yields what it is given; then ends, fails or waits for more. */
async function* subscription(messages: readonly SubscriptionMessage[], then: 'ends' | 'fails' | 'waits') {
  yield* messages;
  if (then === 'fails') throw new Error('Dropped');
  if (then === 'waits') await new Promise(() => undefined);
}

const shown = (batch: Batch): string => {
  const positions = batch.events.map((each) => each.position).join(',');
  return `${positions} at ${batch.position ?? 'nothing'}${batch.caughtUp ? ' caught up' : ''}`;
};

async function all(messages: readonly SubscriptionMessage[], size: number): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const batch of batches(subscription(messages, 'ends'), size)) found.push(shown(batch));
  return found;
}

describe('Batches', () => {
  it('are full while more is at hand, and keep the order', async () => {
    expect(await all([1, 2, 3, 4, 5].map(event), 2)).toEqual(['1,2 at 2', '3,4 at 4', '5 at 5']);
  });

  it('end at each mark, so that none overtakes an event', async () => {
    const messages = [event(1), mark(3), event(4), event(5), CAUGHT_UP, mark(9), event(10)];
    expect(await all(messages, 10)).toEqual(['1 at 3', '4,5 at 5 caught up', ' at 9', '10 at 10']);
  });

  it('say so when nothing was there at all', async () => {
    expect(await all([CAUGHT_UP], 10)).toEqual([' at nothing caught up']);
    expect(await all([], 10)).toEqual([]);
  });

  it('are handed on without waiting for more', async () => {
    const found = batches(subscription([event(1), event(2)], 'waits'), 10);
    const first = await found.next();
    expect(first.done === true ? '' : shown(first.value)).toBe('1,2 at 2');
  });

  it('ask the event loop for no turn as long as the next event is at hand', async () => {
    const turns = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate').length;
    const before = turns();
    const found = batches(subscription([1, 2, 3, 4, 5].map(event), 'waits'), 5);
    expect((await found.next()).done).toBe(false);
    expect(turns()).toBe(before);
  });

  it('that are handed on stand before the failure that ends them', async () => {
    const found: string[] = [];
    const reading = (async () => {
      for await (const batch of batches(subscription([event(1), CAUGHT_UP], 'fails'), 10)) {
        found.push(shown(batch));
        // The failure comes while this batch is worked on: it must wait its turn, not end the process.
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await expect(reading).rejects.toThrow('Dropped');
    expect(found).toEqual(['1 at 1 caught up']);
  });
});
