import { readFileSync } from 'node:fs';
import { openStores, type Stores } from '../../src/adapters.js';
import { readConfig } from '../../src/config.js';
import type { EventToAppend } from '../../src/event-sourcing/event-store.js';
import { openSqliteStores, type SqliteStores } from '../../src/stores/sqlite/sqlite-stores.js';
import { Ends } from '../support/ends.js';
import { hasMongoDbServer, NO_MONGODB } from '../support/mongodb-server.js';
import { notRun } from '../support/not-run.js';
import { Production } from '../support/production.js';
import { cleanUp } from '../support/service-process.js';
import { TestClock } from '../support/test-clock.js';
import type { TestApp } from '../support/test-app.js';
import { type Answered, copyOf, FIXTURES, openedAt } from './fixtures.js';
import { comparable } from './same-answer.js';

interface LoggedEvent extends EventToAppend {
  readonly stream: string;
  readonly revision: number;
}

/** What another store sets itself, or issues anew. */
const OF_THE_STORE = new Set(['recordedTime', 'receipt', 'subscribers']);
const isOfTheStore = (name: string, value: unknown): boolean =>
  OF_THE_STORE.has(name) || (name === 'source' && typeof value === 'string');

const alike = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (name, inner: unknown) => (isOfTheStore(name, inner) ? undefined : inner));

/** Without cursors, which belong to a log, and without what is stored beside log and keys: webhooks, tree, receipts. */
const isComparable = ({ path, answer }: Answered): boolean =>
  !/[?&]after=|^\/webhooks|^\/audit\/proofs/.test(path) && !JSON.stringify(answer ?? '').includes('"receipt"');

const available = hasMongoDbServer();
if (!available) notRun('event logs of releases on EventStoreDB and MongoDB', NO_MONGODB);
(available ? describe : describe.skip).each(FIXTURES.filter(({ log }) => log !== undefined))(
  'The log left by $name, on EventStoreDB with its keys on MongoDB',
  (fixture) => {
    const { answers, settings, fixtureKeys, unfinished, leftTime } = fixture.expectations;
    const ends = new Ends();
    let app: TestApp;

    beforeAll(async () => {
      await ends.orRun(async () => {
        const production = await Production.start();
        ends.add(() => production.stop());
        const config = readConfig({ ...production.env, ...settings, LOG_LEVEL: 'silent' });
        const clock = new TestClock(openedAt(leftTime));
        const stores = await openStores(config, { exclusive: false, clock });
        await fill(stores).finally(() => stores.close());
        app = await production.instance({ config, clock });
      });
    }, 60_000);
    afterAll(() => ends.run());
    afterAll(cleanUp);

    async function fill(stores: Stores): Promise<void> {
      const lines = readFileSync(fixture.log ?? '', 'utf8')
        .trimEnd()
        .split('\n');
      const events = lines.map((line) => JSON.parse(line) as LoggedEvent);
      for (const { stream, revision, ...event } of events) {
        const { id, type, data, metadata } = event;
        await stores.eventStore.append(stream, revision === 0 ? 'no_stream' : revision - 1, [
          { id, type, data, metadata },
        ]);
      }
      const folder = await openSqliteStores({ dataDir: await copyOf(fixture), lock: false });
      try {
        await copyKeys(folder, stores);
        for (const key of await folder.apiKeys.list()) await stores.apiKeys.add(key);
      } finally {
        await folder.close();
      }
    }

    /** Living keys only: the follower of erasures destroys the others again. */
    async function copyKeys({ subjectKeys: from }: SqliteStores, { subjectKeys: to }: Stores): Promise<void> {
      let after: string | undefined;
      do {
        const { keys, next } = await from.notWrappedBy('none', 100, after);
        for (const { purpose, key } of keys) {
          if ('secret' in purpose) await to.secret(purpose.secret, key);
          else await to.create(purpose, key);
        }
        after = next;
      } while (after !== undefined);
    }

    it('gives the recorded answers from views that are projected from it', async () => {
      const compared = answers.filter(isComparable);
      expect(compared.length).toBeGreaterThan(60);
      for (const recorded of compared) {
        const { method, path, headers = {}, body, key } = recorded;
        const authorization = `Bearer ${fixtureKeys[key] ?? ''}`;
        const answer = await app.request({ method, url: path, headers: { ...headers, authorization }, body });
        const isJson = answer.headers['content-type']?.toString().startsWith('application/json') === true;
        const etag = answer.headers.etag?.toString();
        const now: Answered = {
          ...{ method, path, key, status: answer.statusCode },
          ...(etag !== undefined && { etag }),
          ...(answer.body !== '' && { answer: isJson ? answer.json() : answer.body }),
        };
        const name = `${method} ${path}`;
        expect([name, alike(comparable(now, recorded, unfinished))]).toEqual([
          name,
          alike(comparable(recorded, recorded, unfinished)),
        ]);
      }
    }, 60_000);
  },
);
