import { readFileSync } from 'node:fs';
import { openStores, type Stores } from '../../src/adapters.js';
import { readConfig } from '../../src/config.js';
import type { EventToAppend } from '../../src/event-sourcing/event-store.js';
import { openSqliteStores } from '../../src/stores/sqlite/sqlite-stores.js';
import { Ends } from '../support/ends.js';
import { hasMongoDbServer, NO_MONGODB } from '../support/mongodb-server.js';
import { notRun } from '../support/not-run.js';
import { Production } from '../support/production.js';
import { cleanUp, startService, temporaryFolder } from '../support/service-process.js';
import { type Answered, copyOf, type Fixture, FIXTURES, launchOptions, START_MS } from './fixtures.js';
import { RecordedClient } from './recorded-client.js';
import { comparable } from './same-answer.js';

interface LoggedEvent extends EventToAppend {
  readonly stream: string;
  readonly revision: number;
}

/** What another store sets itself. */
const isOfTheStore = (name: string, value: unknown): boolean =>
  name === 'recordedTime' || (name === 'source' && typeof value === 'string');

const alike = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (name, inner: unknown) => (isOfTheStore(name, inner) ? undefined : inner));

/** Without cursors, which belong to a log, and without what is stored beside log and keys: webhooks, tree, receipts. */
const isComparable = ({ path, answer }: Answered): boolean =>
  !/[?&]after=|^\/webhooks|^\/audit\/proofs/.test(path) && !JSON.stringify(answer ?? '').includes('"receipt"');

async function fillLog({ eventStore }: Stores, file: string): Promise<void> {
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
    const { stream, revision, id, type, data, metadata } = JSON.parse(line) as LoggedEvent;
    await eventStore.append(stream, revision === 0 ? 'no_stream' : revision - 1, [{ id, type, data, metadata }]);
  }
}

/** API keys, secrets and living keys of customers: the service destroys the others again. */
async function fillKeys({ apiKeys, subjectKeys }: Stores, fixture: Fixture): Promise<void> {
  const folder = await openSqliteStores({ dataDir: await copyOf(fixture), lock: false });
  try {
    for (const key of await folder.apiKeys.list()) await apiKeys.add(key);
    let after: string | undefined;
    do {
      const { keys, next } = await folder.subjectKeys.notWrappedBy('none', 100, after);
      for (const { purpose, key } of keys) {
        if ('secret' in purpose) await subjectKeys.secret(purpose.secret, key);
        else await subjectKeys.create(purpose, key);
      }
      after = next;
    } while (after !== undefined);
  } finally {
    await folder.close();
  }
}

const available = hasMongoDbServer();
if (!available) notRun('event logs of releases on EventStoreDB and MongoDB', NO_MONGODB);
(available ? describe : describe.skip).each(FIXTURES.filter(({ log }) => log !== undefined))(
  'The log left by $name, on EventStoreDB with its keys on MongoDB',
  (fixture) => {
    const { log = '', expectations } = fixture;
    const ends = new Ends();
    let client: RecordedClient;

    beforeAll(async () => {
      await ends.orRun(async () => {
        const production = await Production.start();
        ends.add(() => production.stop());
        const options = launchOptions(fixture, await temporaryFolder());
        const env = { ...production.env, ...options.env };
        const stores = await openStores(readConfig(env), { exclusive: false });
        await fillLog(stores, log)
          .then(() => fillKeys(stores, fixture))
          .finally(() => stores.close());
        const service = await startService({ ...options, env });
        ends.add(() => service.stop());
        client = new RecordedClient(service.url, expectations.fixtureKeys);
        ends.add(() => client.close());
      });
    }, START_MS);
    afterAll(() => ends.run());
    afterAll(cleanUp);

    it('gives the recorded answers from views that are projected from it', async () => {
      const compared = expectations.answers.filter(isComparable);
      expect(compared.length).toBeGreaterThan(60);
      for (const recorded of compared) {
        const [now, then] = [await client.ask(recorded), recorded].map((answered) =>
          alike(comparable(answered, recorded, expectations.unfinished)),
        );
        const name = `${recorded.method} ${recorded.path}`;
        expect([name, now]).toEqual([name, then]);
      }
    }, 60_000);
  },
);
