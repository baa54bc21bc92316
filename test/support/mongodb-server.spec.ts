import { MongoClient } from 'mongodb';
import { hasMongoDbServer, mongoDbServer, NO_MONGODB } from './mongodb-server.js';
import { notRun } from './not-run.js';

describe('a MongoDB to test against', () => {
  if (!hasMongoDbServer()) {
    notRun('a MongoDB to test against', NO_MONGODB);
    it.todo('needs a server');
    return;
  }

  it('speaks, and a FerretDB is gone once it is stopped', async () => {
    const server = (await mongoDbServer())!;
    const client = await MongoClient.connect(server.url);
    expect(await client.db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 });
    await server.stop();
    if (server.isOwn) {
      await expect(MongoClient.connect(server.url, { serverSelectionTimeoutMS: 50 })).rejects.toThrow('ECONNREFUSED');
    }
    await client.close();
  });
});
