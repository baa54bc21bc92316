import type { EventStore, Position } from '../../event-sourcing/event-store.js';
import { openSqliteStores, type SqliteStores } from '../../stores/sqlite/sqlite-stores.js';
import { beginOnOtherLog } from './other-log.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';

const endpoint = (id: string, after?: string): WebhookEndpoint => ({
  id,
  url: 'https://example.com/',
  pii: false,
  enabled: true,
  secrets: [],
  ...(after !== undefined && { after: after as Position }),
  replay: { id: 'r', until: '90' as Position },
  createdAt: 0,
  updatedAt: 0,
  version: 1,
});

/** A log that ends at 50. */
const logWith = (head: string | undefined): EventStore =>
  ({
    head: () => Promise.resolve(head),
    comparePositions: (a: string, b: string) => Number(a) - Number(b),
  }) as unknown as EventStore;

describe('webhooks on another log', () => {
  let stores: SqliteStores;
  beforeEach(async () => {
    stores = await openSqliteStores({ memory: true });
    for (const one of [endpoint('wh_old', '10'), endpoint('wh_young', '70'), endpoint('wh_first')]) {
      await stores.webhooks.add(one);
      await stores.webhooks.enqueue([{ endpointId: one.id, customerId: 'a', next: 7, end: 9 }], 0);
    }
  });
  afterEach(() => stores.close());

  const places = async (): Promise<unknown> =>
    Object.fromEntries((await stores.webhooks.list()).map(({ id, after, replay }) => [id, [after, replay]]));

  it.each([
    ['the same one, restored', '50', true, ['10', '50', undefined]],
    ['the same one, empty', undefined, true, [undefined, undefined, undefined]],
    ['a strange one', '50', false, [undefined, undefined, undefined]],
  ] as const)('begin so that nothing is passed over: %s', async (_, head, sameLog, [old, young, first]) => {
    for (let n = 0; n < 2; n += 1) await beginOnOtherLog(stores.webhooks, logWith(head), sameLog);
    expect(await places()).toEqual({
      wh_old: [old, undefined],
      wh_young: [young, undefined],
      wh_first: [first, undefined],
    });
    for (const { id } of await stores.webhooks.list()) {
      expect(await stores.webhooks.lanes(id, { limit: 10 })).toEqual([]);
    }
  });
});
