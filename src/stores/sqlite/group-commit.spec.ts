import { Connection } from './connection.js';
import { CommitFailed, GroupCommit } from './group-commit.js';

class Refused extends Error {}

const SCHEMA = `
  PRAGMA foreign_keys = ON;
  CREATE TABLE rows (id INTEGER PRIMARY KEY);
  CREATE TABLE children (parent REFERENCES rows (id) DEFERRABLE INITIALLY DEFERRED)`;

describe('a group commit', () => {
  let connection: Connection;
  let commits: GroupCommit;
  let statements: string[];

  beforeEach(() => {
    connection = new Connection(':memory:', 0);
    connection.exec(SCHEMA);
    commits = new GroupCommit(spied(connection), 100);
  });
  afterEach(() => connection.close());

  const spied = (real: Connection): Connection => {
    statements = [];
    const change = real.change.bind(real);
    real.change = (sql) => {
      const statement = change(sql);
      return {
        run: (...values) => {
          statements.push(sql);
          return statement.run(...values);
        },
      };
    };
    return real;
  };
  const insert = (id: number) => () => () => {
    connection.exec(`INSERT INTO rows VALUES (${id})`);
    return id;
  };
  const orphan = () => () => connection.exec('INSERT INTO children VALUES (99)');
  const refuse = (): never => {
    throw new Refused();
  };
  const count = (): number => connection.number('SELECT count(*) FROM rows');

  it('puts what arrives in one turn into one transaction and answers each its own', async () => {
    const results = await Promise.allSettled([commits.run(insert(1)), commits.run(refuse), commits.run(insert(2))]);
    expect(results).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: expect.any(Refused) },
      { status: 'fulfilled', value: 2 },
    ]);
    expect(statements).toEqual(['BEGIN IMMEDIATE', 'COMMIT']);
    expect(count()).toBe(2);
  });

  it('is synced to disk unless all in it may be lost, and again from the next that is to last', async () => {
    const synced = new GroupCommit(connection, 100, 'full');
    const level = () => () => connection.number('PRAGMA synchronous');
    const [full, normal] = [2, 1];
    connection.exec('PRAGMA synchronous = FULL');
    expect(await synced.run(level, false)).toBe(normal);
    expect(await Promise.all([synced.run(level, false), synced.run(level)])).toEqual([full, full]);
    expect(await synced.run(level, false)).toBe(normal);
    expect(await synced.run(level)).toBe(full);
  });

  it('shows a job what the jobs before it in the group wrote', async () => {
    const [, seen] = await Promise.all([
      commits.run(insert(1)),
      commits.run(() => {
        const n = count();
        return () => n;
      }),
    ]);
    expect(seen).toBe(1);
  });

  it('gives no result before the commit', async () => {
    let inTransaction: boolean | undefined;
    await commits.run(insert(1)).then(() => (inTransaction = connection.inTransaction));
    expect(inTransaction).toBe(false);
  });

  it('rejects all when the commit fails, and leaves nothing behind', async () => {
    const results = await Promise.allSettled([commits.run(insert(1)), commits.run(orphan), commits.run(insert(2))]);
    for (const result of results)
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(CommitFailed) });
    expect(count()).toBe(0);
    expect(await commits.run(insert(3))).toBe(3);
  });

  it('rejects all when the disk is full, and leaves nothing behind', async () => {
    connection.exec(`PRAGMA max_page_count = ${connection.number('PRAGMA page_count')}`);
    const large = () => () => connection.exec('INSERT INTO children VALUES (zeroblob(100000))');
    const results = await Promise.allSettled([commits.run(insert(1)), commits.run(large), commits.run(insert(2))]);
    for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: { errcode: 13 } });
    expect(count()).toBe(0);
    expect(connection.inTransaction).toBe(false);
  });

  it('does the others without a job that fails while writing', async () => {
    await commits.run(insert(2));
    const results = await Promise.allSettled([commits.run(insert(1)), commits.run(insert(2)), commits.run(insert(3))]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(count()).toBe(3);
  });

  it('keeps the order of arrival over the size of a group', async () => {
    const order: number[] = [];
    const jobs = Array.from({ length: 600 }, (_, n) => commits.run(() => () => order.push(n)));
    await Promise.all(jobs);
    expect(order).toEqual([...Array(600).keys()]);
    expect(statements.filter((sql) => sql === 'COMMIT')).toHaveLength(3);
  });

  it('is drained once nothing waits', async () => {
    await commits.drained();
    const job = commits.run(insert(1));
    await commits.drained();
    expect(count()).toBe(1);
    await job;
  });
});
