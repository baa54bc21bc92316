import { SystemClock } from '../../event-sourcing/clock.js';
import { EndpointPump, type PumpParts } from './endpoint-pump.js';
import type { Lane } from './lane.js';
import type { LaneEnd } from './lane-run.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';

const ENDPOINT: WebhookEndpoint = {
  id: 'wh_1',
  url: 'https://example.com/',
  pii: false,
  enabled: true,
  secrets: [],
  createdAt: 0,
  updatedAt: 0,
  version: 1,
};
const SIX = ['a', 'b', 'c', 'd', 'e', 'f'];
const laneOf = (customerId: string): Lane => ({
  endpointId: 'wh_1',
  customerId,
  next: 0,
  end: 1,
  state: 'waiting',
  attempts: 0,
  dueAt: 0,
});

/** A store and a receiver of which each answer is given by the test. */
function staged(): {
  pump: EndpointPump;
  asked: (() => void)[];
  sent: string[];
  finish: Map<string, (end: LaneEnd) => void>;
  due: Lane[];
  stop: AbortController;
  parts: PumpParts;
} {
  const asked: (() => void)[] = [];
  const sent: string[] = [];
  const finish = new Map<string, (end: LaneEnd) => void>();
  const due: Lane[] = [];
  const stop = new AbortController();
  const webhooks = {
    due: async (_: string, state: string) => {
      if (state === 'retrying') return [];
      // As it stood when it was asked for.
      const answer = [...due];
      await new Promise<void>((resolve) => asked.push(resolve));
      return answer;
    },
  } as unknown as PumpParts['webhooks'];
  const lanes = {
    run: (_: unknown, { customerId }: Lane) => {
      sent.push(customerId);
      return new Promise<LaneEnd>((resolve) => finish.set(customerId, resolve));
    },
  } as unknown as PumpParts['lanes'];
  const parts: PumpParts = {
    webhooks,
    lanes,
    clock: new SystemClock(),
    places: { free: 512 },
    gone: () => Promise.resolve(),
    failed: (error) => {
      throw error;
    },
  };
  return { pump: new EndpointPump(parts, ENDPOINT, stop.signal), asked, sent, finish, due, stop, parts };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the pump of an endpoint', () => {
  it('begins nothing with a lane that ended while the store answered: it was read as it stood before', async () => {
    const { pump, asked, sent, finish, due } = staged();
    due.push(laneOf('a'));
    pump.wake();
    await turn();
    asked.shift()?.();
    await turn();
    expect(sent).toEqual(['a']);
    pump.wake();
    await turn();
    // The answer holds `a` as it stood; now its delivery ends, and only then the answer comes.
    due.length = 0;
    finish.get('a')?.('turn_over');
    await turn();
    asked.shift()?.();
    await turn();
    expect(sent).toEqual(['a']);
    pump.close();
    asked.shift()?.();
    await pump.ended();
  });

  it('has one delivery of a customer under way, and gives every place back', async () => {
    const { pump, asked, sent, finish, due, parts } = staged();
    due.push(...SIX.map(laneOf));
    for (let n = 0; n < 3; n += 1) {
      pump.wake();
      await turn();
      asked.shift()?.();
      await turn();
    }
    expect(sent).toEqual(SIX);
    expect(parts.places.free).toBe(510);
    due.length = 0;
    pump.close();
    for (const end of finish.values()) end('failed');
    for (const answer of asked) answer();
    await pump.ended();
    expect(parts.places.free).toBe(512);
  });

  it('goes on in places of its own while others that hang hold all that are shared', async () => {
    const { pump, asked, sent, finish, due, parts } = staged();
    parts.places.free = 0;
    due.push(...SIX.map(laneOf));
    pump.wake();
    await turn();
    asked.shift()?.();
    await turn();
    expect(sent).toEqual(SIX.slice(0, 4));
    due.shift();
    finish.get('a')?.('turn_over');
    await turn();
    asked.shift()?.();
    await turn();
    expect(sent).toEqual(SIX.slice(0, 5));
    pump.close();
    for (const end of finish.values()) end('turn_over');
    for (const answer of asked) answer();
    await pump.ended();
    expect(parts.places.free).toBe(0);
  });
});
