import type { Document } from 'mongodb';
import { AnsweringProxy, nameOf } from '../support/mongodb-answers.js';
import { mongoDbDatabases } from '../support/mongodb-databases.js';
import { hasMongoDbServer, NO_MONGODB } from '../support/mongodb-server.js';
import { inDatabase, throughOpenProxy } from '../support/mongodb-url.js';
import { notRun } from '../support/not-run.js';
import { cleanUp, launch, temporaryFolder } from '../support/service-process.js';
import { startTestApp } from '../support/test-app.js';

/** Without a primary; a real election takes some seconds. */
const ELECTION_MS = 1_500;
const CUSTOMERS = ['a', 'b', 'c'];
const MASTER_KEYS = `test:${Buffer.alloc(32, 7).toString('base64')}`;

/** What a member says that stepped down, one after the other. */
const STEPPED_DOWN: readonly Document[] = [
  { ok: 0, code: 10_107, codeName: 'NotWritablePrimary', errmsg: 'not primary' },
  { ok: 0, code: 189, codeName: 'PrimarySteppedDown', errmsg: 'stepped down' },
  { ok: 0, code: 11_602, codeName: 'InterruptedDueToReplStateChange', errmsg: 'interrupted' },
  { ok: 1, n: 0, writeConcernError: { code: 91, codeName: 'ShutdownInProgress', errmsg: 'shutting down' } },
];

describe('admin rebuild', () => {
  if (!hasMongoDbServer()) {
    notRun('a rebuild during elections', NO_MONGODB);
    it.todo('needs a server that speaks the protocol of MongoDB');
    return;
  }
  const databases = mongoDbDatabases();
  let proxy: AnsweringProxy;
  beforeEach(async () => {
    proxy = await AnsweringProxy.to(databases.url);
  });
  afterEach(() => proxy.close());
  afterAll(cleanUp);

  it('outlasts elections at its start, while it writes, when it switches and when it cleans up', async () => {
    const [views, keys] = [databases.fresh(), databases.fresh()];
    const dataDir = await temporaryFolder();
    const app = await startTestApp({ dataDir, config: { mongodbUrl: views.url, keysMongodbUrl: keys.url } });
    try {
      for (const id of CUSTOMERS)
        await app.request({ method: 'POST', url: '/customers', body: { id, email: `${id}@example.com` } });
      await app.settled();
    } finally {
      await app.close();
    }

    const isWriteTo = (command: Document, name: string, collection: string): boolean =>
      nameOf(command) === name && command[name] === collection;
    const starts: [string, (command: Document) => boolean][] = [
      ['at its start', (command) => nameOf(command) === 'createIndexes'],
      ['while it writes', (command) => isWriteTo(command, 'insert', 'customers_2')],
      [
        'when it switches',
        (command) => isWriteTo(command, 'update', 'generations') && command['updates'][0].u.$set?.live === 2,
      ],
      ['when it cleans up', (command) => nameOf(command) === 'drop'],
    ];
    const held: string[] = [];
    let until = 0;
    let told = 0;
    proxy.answering = (command) => {
      if (performance.now() > until && starts[held.length]?.[1](command)) {
        held.push(starts[held.length]![0]);
        until = performance.now() + ELECTION_MS;
      }
      if (performance.now() > until || nameOf(command) === 'endSessions') return undefined;
      told += 1;
      return STEPPED_DOWN[told % STEPPED_DOWN.length];
    };
    const through = (name: string): string => inDatabase(throughOpenProxy(databases.url, proxy.address), name);
    const rebuild = await launch({
      dataDir,
      entry: 'dist/admin/main.js',
      args: ['rebuild'],
      env: { MONGODB_URL: through(views.name), KEYS_MONGODB_URL: through(keys.name), MASTER_KEYS },
    });
    const { code } = await rebuild.exited;
    expect([code, rebuild.stderr, held]).toEqual([0, expect.anything(), starts.map(([name]) => name)]);
    expect(rebuild.stdout).toContain('the new views are live');
    const found = databases.client
      .db(views.name)
      .collection('customers_2')
      .find({}, { projection: { _id: 1 } });
    expect((await found.toArray()).map(({ _id }) => String(_id)).sort()).toEqual(CUSTOMERS);
  }, 90_000);

  it('says in one line what is out of reach, by code and name, and what was refused', async () => {
    const [views, keys] = [databases.fresh(), databases.fresh()];
    const through = (name: string): string => inDatabase(throughOpenProxy(databases.url, proxy.address), name);
    const list = async () => {
      const command = await launch({
        entry: 'dist/admin/main.js',
        args: ['api-keys', 'list'],
        env: { MONGODB_URL: through(views.name), KEYS_MONGODB_URL: through(keys.name), MASTER_KEYS },
      });
      const { code } = await command.exited;
      return [code, command.stderr.trim()];
    };
    proxy.answer('find', STEPPED_DOWN[0]!);
    expect(await list()).toEqual([1, 'The read_model store is out of reach: NotWritablePrimary 10107']);
    proxy.answer('createIndexes', { ok: 0, code: 85, errmsg: 'of jane@example.com' });
    expect(await list()).toEqual([1, 'The database refused an operation (IndexOptionsConflict 85)']);
  });
});
