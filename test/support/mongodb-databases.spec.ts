import { MongoConnection } from '../../src/stores/mongodb/mongo-connection.js';
import { guarded } from './guarded-mongodb.js';
import { AnsweringProxy } from './mongodb-answers.js';
import { mongoDbDatabases } from './mongodb-databases.js';
import { hasMongoDbServer, mongoDbServer, NO_MONGODB } from './mongodb-server.js';
import { atHost, hostIn, inDatabase, parsed, throughOpenProxy, throughProxy } from './mongodb-url.js';
import { notRun } from './not-run.js';
import { cleanUp, temporaryFolder } from './service-process.js';
import { TcpProxy } from './tcp-proxy.js';

const URL = 'mongodb://u:p%40q@a.example,b.example:27018/shop?replicaSet=rs&tls=true&maxPoolSize=5';

describe('the address of a MongoDB', () => {
  it('keeps users and options in another database, where users are still looked up where they were', () => {
    expect(inDatabase(URL, 'x')).toBe(
      'mongodb://u:p%40q@a.example,b.example:27018/x?replicaSet=rs&tls=true&maxPoolSize=5&authSource=shop',
    );
    expect(inDatabase('mongodb://u:p@a.example', 'x')).toBe('mongodb://u:p@a.example/x?authSource=admin');
    expect(inDatabase('mongodb://a.example/?w=majority', 'x')).toBe('mongodb://a.example/x?w=majority');
  });

  it('keeps them at one host, and by way of a proxy that is in no certificate', () => {
    expect(atHost('mongodb+srv://u:p@set.example/?srvMaxHosts=2', 'a.example:1')).toBe(
      'mongodb://u:p@a.example:1/?tls=true',
    );
    const options = 'tls=true&maxPoolSize=5&directConnection=true';
    expect(throughProxy(URL, '127.0.0.1:1')).toBe(
      `mongodb://u:p%40q@127.0.0.1:1/shop?${options}&tlsAllowInvalidHostnames=true`,
    );
    expect(throughProxy('mongodb://a.example/?tls=true&tlsInsecure=true', '127.0.0.1:1')).toBe(
      'mongodb://127.0.0.1:1/?tls=true&tlsInsecure=true&directConnection=true',
    );
    expect(throughOpenProxy(URL, '127.0.0.1:1')).toBe(
      'mongodb://u:p%40q@127.0.0.1:1/shop?maxPoolSize=5&directConnection=true',
    );
  });

  it('is read with hosts of every kind', () => {
    expect(['a.example', 'a.example:1', '[::1]:1', '127.0.0.1'].map(hostIn)).toEqual([
      { host: 'a.example', port: 27017 },
      { host: 'a.example', port: 1 },
      { host: '::1', port: 1 },
      { host: '127.0.0.1', port: 27017 },
    ]);
  });
});

describe('a MongoDB of the tests that wants TLS, a user and a password', () => {
  if (!hasMongoDbServer() || process.env['MONGODB_URL']) {
    notRun(
      'a MongoDB of the tests that wants TLS and a user',
      process.env['MONGODB_URL'] ? 'another is named' : NO_MONGODB,
    );
    it.todo('needs a server of its own');
    return;
  }
  const ends: (() => unknown)[] = [];
  let guardedUrl: string;
  // Before the databases look for their server.
  beforeAll(async () => {
    const server = (await mongoDbServer())!;
    const guard = await guarded(server.url, await temporaryFolder());
    ends.push(
      cleanUp,
      () => server.stop(),
      () => guard.close(),
    );
    guardedUrl = process.env['MONGODB_URL'] = guard.url;
  });
  const databases = mongoDbDatabases();
  afterAll(async () => {
    delete process.env['MONGODB_URL'];
    for (const end of ends.reverse()) await end();
  });

  const reachable = async (url: string): Promise<unknown> => {
    const connection = new MongoConnection({ url, defaultDatabase: databases.fresh().name });
    try {
      return await connection.run('read_model', async (db) => {
        await db.collection('things').insertOne({ n: 1 });
        return db.collection('things').findOne({}, { projection: { _id: 0 } });
      });
    } catch (error) {
      return error;
    } finally {
      await connection.close();
    }
  };

  it('is reached as its address says, and not without the password', async () => {
    expect(await reachable(guardedUrl)).toEqual({ n: 1 });
    expect(await reachable(guardedUrl.replace(/:[^:]*@/, ':wrong@'))).toMatchObject({
      name: 'StoreUnavailable',
      cause: { name: 'AuthenticationFailed', code: '18' },
    });
    expect(await reachable(guardedUrl.replace(/\/\/.*@/, '//').replace(/&authMechanism=PLAIN/, ''))).toMatchObject({
      name: 'StoreUnavailable',
      cause: { name: 'Unauthorized', code: '13' },
    });
  });

  it('is reached by way of a proxy that only passes bytes on', async () => {
    const { host, port } = hostIn(parsed(guardedUrl).hosts[0]!);
    const proxy = await TcpProxy.to(host, port);
    try {
      expect(await reachable(throughProxy(guardedUrl, proxy.address))).toEqual({ n: 1 });
    } finally {
      await proxy.close();
    }
  });

  it('is reached by way of one that answers in its place', async () => {
    const proxy = await AnsweringProxy.to(guardedUrl);
    try {
      const url = throughOpenProxy(guardedUrl, proxy.address);
      expect(await reachable(url)).toEqual({ n: 1 });
      proxy.answer('find', { ok: 0, code: 189 });
      expect(await reachable(url)).toMatchObject({ cause: { name: 'PrimarySteppedDown' } });
    } finally {
      proxy.close();
    }
  });

  it('has databases for a test file, on one address for all of its proxies', async () => {
    expect(databases.features).toEqual({ changesInOneStep: false, validates: false, explains: false });
    expect(await reachable(databases.fresh().url)).toEqual({ n: 1 });
    const proxy = await TcpProxy.to(databases.host, databases.port);
    try {
      expect(await reachable(throughProxy(databases.url, proxy.address))).toEqual({ n: 1 });
    } finally {
      await proxy.close();
    }
  });
});
