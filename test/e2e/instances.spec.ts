import { hasMongoDbServer, NO_MONGODB } from '../support/mongodb-server.js';
import { notRun } from '../support/not-run.js';
import { Production } from '../support/production.js';
import { allOnServers, onServers, Place } from '../support/servers.js';
import { cleanUp, launch, type ServiceProcess, startService } from '../support/service-process.js';

const TAKEOVER_MS = 15_000;

interface Answer {
  readonly status: number;
  readonly body: { readonly locale?: string; readonly data?: readonly { readonly id: string }[] };
}

async function send({ url, key }: ServiceProcess, method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) };
}

async function holdsProjector({ url }: ServiceProcess): Promise<boolean> {
  const answer = await fetch(`${url}/health/ready`);
  const { details } = (await answer.json()) as { details: { projector: { holdsLease: boolean } } };
  return details.projector.holdsLease;
}

async function until(holds: () => Promise<boolean>, ms: number): Promise<number> {
  const since = performance.now();
  while (!(await holds())) {
    if (performance.now() - since > ms) throw new Error(`Not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return performance.now() - since;
}

const running: ServiceProcess[] = [];
const startOn = async (shared: Readonly<Record<string, string>>, env = {}): Promise<ServiceProcess> => {
  const service = await startService({ env: { ...shared, ...env } });
  running.push(service);
  return service;
};
const stopAll = async (): Promise<void> => {
  await Promise.all(running.splice(0).map((service) => service.stop()));
  await cleanUp();
};

/** On the servers of this run; else on those of the tests, behind wires that do not fail here. */
const shared = {
  available: onServers ? allOnServers : hasMongoDbServer(),
  why: onServers ? 'it takes both EVENTSTORE_URL and MONGODB_URL' : NO_MONGODB,
  open: async (): Promise<{ readonly env: Readonly<Record<string, string>>; close(): Promise<void> }> => {
    const on = onServers ? await Place.make() : await Production.start();
    return { env: on.env, close: () => (on instanceof Place ? on.leave() : on.stop()) };
  },
};
if (!shared.available) notRun('several instances on shared stores', shared.why);

(shared.available ? describe : describe.skip)('Instances on the same stores', () => {
  let stores: Awaited<ReturnType<typeof shared.open>>;
  const start = (env = {}): Promise<ServiceProcess> => startOn(stores.env, env);

  beforeEach(async () => {
    stores = await shared.open();
  }, 60_000);
  afterEach(async () => {
    await stopAll();
    await stores.close();
  }, 60_000);

  it('each show what was written through another, at once', async () => {
    const instances = [await start(), await start(), await start({ ROLE: 'api' })];
    for (let n = 0; n < 15; n += 1) {
      const [writer, ...readers] = [0, 1, 2].map((at) => instances[(n + at) % 3] as ServiceProcess);
      if (writer === undefined) throw new Error('No instance');
      const id = `c${n}`;
      expect((await send(writer, 'POST', '/customers', { id, email: `${id}@example.com` })).status).toBe(201);
      for (const reader of readers) {
        expect((await send(reader, 'GET', `/customers/${id}`)).status).toBe(200);
        const listed = await send(reader, 'GET', `/customers?email=${id}@EXAMPLE.com`);
        expect(listed.body.data?.map((customer) => customer.id)).toEqual([id]);
      }
      expect((await send(readers[0] ?? writer, 'POST', `/customers/${id}`, { locale: 'de_DE' })).status).toBe(200);
      expect((await send(writer, 'GET', `/customers/${id}`)).body.locale).toBe('de_DE');
      if (n % 3 === 0) {
        expect((await send(readers[1] ?? writer, 'DELETE', `/customers/${id}`)).status).toBe(204);
        for (const reader of instances) expect((await send(reader, 'GET', `/customers/${id}`)).status).toBe(404);
      }
    }
  }, 90_000);

  it('follow the log one at a time, and another takes over when the one that does is killed', async () => {
    const [first, second] = [await start(), await start()];
    const api = await start({ ROLE: 'api' });
    await until(async () => (await holdsProjector(first)) || (await holdsProjector(second)), TAKEOVER_MS);
    const [holder, other] = (await holdsProjector(first)) ? [first, second] : [second, first];
    expect([await holdsProjector(other), await holdsProjector(api)]).toEqual([false, false]);
    holder.kill('SIGKILL');
    await holder.exited;
    expect((await send(other, 'POST', '/customers', { id: 'c1' })).status).toBe(201);
    const took = await until(() => holdsProjector(other), TAKEOVER_MS);
    expect(took).toBeLessThan(TAKEOVER_MS);
    expect(await holdsProjector(api)).toBe(false);
    // What follows besides is taken over as well: a claim that its claimant left behind is settled by who holds it now.
    expect((await send(api, 'DELETE', '/customers/c1')).status).toBe(204);
  }, 90_000);

  it('divide the work by role: a worker serves no requests, and an api instance waits for one to catch up', async () => {
    const worker = await start({ ROLE: 'worker' });
    expect(worker.stdout).toMatch(/^ +role +worker$/m);
    expect((await send(worker, 'GET', '/customers')).status).toBe(404);
    expect((await fetch(`${worker.url}/health/ready`)).status).toBe(200);
    const api = await start({ ROLE: 'api' });
    expect((await send(api, 'POST', '/customers', { id: 'c1', email: 'c1@example.com' })).status).toBe(201);
    await until(() => holdsProjector(worker), TAKEOVER_MS);
    const second = await start({ ROLE: 'api' });
    expect((await send(second, 'GET', '/customers/c1')).status).toBe(200);
  }, 90_000);

  it('go on writing and reading their writes while a command rebuilds the views', async () => {
    const instances = [await start(), await start()];
    const [one, other] = instances as [ServiceProcess, ServiceProcess];
    for (let n = 0; n < 20; n += 1)
      await send(one, 'POST', '/customers', { id: `old${n}`, email: `old${n}@example.com` });
    let rebuilding = true;
    const client = async (writer: ServiceProcess, reader: ServiceProcess, name: string): Promise<number> => {
      let written = 0;
      for (; rebuilding; written += 1) {
        const id = `${name}${written}`;
        expect(await send(writer, 'POST', '/customers', { id, email: `${id}@example.com` })).toMatchObject({
          status: 201,
        });
        expect(await send(reader, 'GET', `/customers/${id}`)).toMatchObject({ status: 200 });
        const changed = await send(reader, 'POST', `/customers/${id}`, { locale: 'de_DE' });
        expect(changed.status).toBe(200);
        expect(await send(writer, 'GET', `/customers/${id}`)).toEqual(changed);
        if (written % 4 === 0) {
          expect((await send(writer, 'DELETE', `/customers/${id}`)).status).toBe(204);
          expect((await send(reader, 'GET', `/customers/${id}`)).status).toBe(404);
        }
      }
      return written;
    };
    const clients = [client(one, other, 'a'), client(other, one, 'b')];
    const rebuild = await launch({ entry: 'dist/admin/main.js', args: ['rebuild'], env: stores.env });
    const { code } = await rebuild.exited;
    rebuilding = false;
    const written = await Promise.all(clients);
    expect({ code, said: rebuild.stdout + rebuild.stderr }).toEqual({ code: 0, said: expect.stringContaining('live') });
    for (const count of written) expect(count).toBeGreaterThan(5);
    for (const instance of instances) {
      expect((await send(instance, 'GET', '/customers/old19')).status).toBe(200);
      expect((await send(instance, 'GET', '/customers?email=old7@example.com')).body.data).toHaveLength(1);
    }
  }, 120_000);
});

const canFail = !onServers && hasMongoDbServer();
if (onServers)
  notRun('instances on stores that were wiped or are away', 'it is not for a server to do; `npm test` runs it');

(canFail ? describe : describe.skip)('Instances on stores that fail', () => {
  let production: Production;
  const start = (): Promise<ServiceProcess> => startOn(production.env);

  beforeEach(async () => {
    production = await Production.start();
  }, 60_000);
  afterEach(async () => {
    await stopAll();
    await production.stop();
  }, 60_000);

  it('refuse to start on a log that was wiped or restored, and start again after a rebuild', async () => {
    const first = await start();
    for (let n = 0; n < 5; n += 1) await send(first, 'POST', '/customers', { id: `c${n}` });
    await first.stop();
    production.log.faults.wipe();
    const refused = await launch({ env: production.env });
    expect((await refused.exited).code).toBe(1);
    expect(refused.stderr).toMatch(/event log is not the one/);
    const rebuild = await launch({ entry: 'dist/admin/main.js', args: ['rebuild'], env: production.env });
    expect((await rebuild.exited).code).toBe(0);
    const again = await start();
    expect((await send(again, 'GET', '/customers')).body.data).toEqual([]);
  }, 90_000);

  it('say in one line which store is out of reach at start, and end', async () => {
    await production.views.refuse();
    const one = await launch({ env: production.env });
    expect((await one.exited).code).toBe(1);
    expect(one.stderr.trim()).toMatch(
      /^The start failed: the views are out of reach \(MONGODB_URL[^)]*\): \w+ ECONNREFUSED$/,
    );
    await production.heal();
    await production.log.wire.down();
    const two = await launch({ env: production.env });
    expect((await two.exited).code).toBe(1);
    expect(two.stderr.trim()).toMatch(
      /^The start failed: the event log is out of reach \(EVENTSTORE_URL[^)]*\)(: [\w ,()]+)?$/,
    );
    await production.log.wire.up();
  }, 60_000);
});
