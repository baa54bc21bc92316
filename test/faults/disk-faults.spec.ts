import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { OutageKind } from '../../src/event-sourcing/store-errors.js';
import { Connection } from '../../src/stores/sqlite/connection.js';
import { DiskFaults, diskFaultLibrary, type FailingCall } from '../support/disk-faults.js';
import { notRun } from '../support/not-run.js';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { onServers, Place } from '../support/servers.js';
import { cleanUp, type ServiceProcess, startService } from '../support/service-process.js';
import { Client, type Shared } from './crash-clients.js';
import { type Answer, Ledger, request } from './crash-ledger.js';
import { Random } from './crash-random.js';
import { resolve, Verification } from './crash-verification.js';

/** Times in which the disk fails, over all processes. */
const WINDOWS = scale(16, 2_000);
const CLIENTS = 12;
const KILLED = 0.15;
const BACK_AT_MOST_MS = 15_000;
const AT_MOST_MS = scale(300_000, 4 * 3_600_000);

const CALLS: readonly (readonly FailingCall[])[] = [
  ['reads'],
  ['writes'],
  ['syncs'],
  ['truncates'],
  ['writes', 'syncs'],
  ['reads', 'writes', 'syncs', 'truncates'],
];
const RATES = [1, 0.3, 0.05, 0.005];

/** Nobody is due: what was asked to be forgotten stays so. */
class Unerased extends Verification {
  override get erasesAtStart(): boolean {
    return false;
  }
}

/** One data folder that lives through all of it. */
class DiskTest {
  readonly ledger = new Ledger();
  readonly verification: Verification;
  windows = 0;
  kills = 0;
  slowestReturnMs = 0;
  private service: ServiceProcess | undefined;
  private shared: Shared | undefined;
  private attemptsSeen = 0;
  private readonly clients: readonly Client[];

  constructor(
    private readonly place: Place,
    private readonly disk: DiskFaults,
    private readonly random: Random,
  ) {
    this.verification = new Unerased(this.ledger, place.config);
    this.clients = Array.from(
      { length: CLIENTS },
      (_, index) => new Client(`d${index}`, this.ledger, random.fork(`d${index}`)),
    );
  }

  /** The disk fails for a while, under load; then everything acknowledged is there, and the service as well. */
  async window(): Promise<void> {
    const { random, disk, ledger } = this;
    this.windows += 1;
    const service = (this.service ??= await this.start());
    const shared = (this.shared ??= await this.prepare(service));
    let over = false;
    const work = this.clients.map((client) => client.work(service, shared, () => over));
    const enough = ledger.answers + random.between(0, 40);
    while (ledger.answers < enough && ledger.faults.length === 0) await delay(1);
    const [calls, rate, error] = [random.pick(CALLS), random.pick(RATES), random.pick(['EIO', 'ENOSPC'] as const)];
    const until = performance.now() + random.between(5, 150);
    const before = disk.injected;
    disk.on(calls, rate, error);
    while (performance.now() < until && disk.injected < before + 200) await delay(2);
    const killed = random.chance(KILLED);
    if (killed) {
      this.kills += 1;
      service.kill('SIGKILL');
      await service.exited;
    }
    disk.off();
    over = true;
    await Promise.all(work);
    if (killed) await this.startAgain();
    else await this.back(service);
    await this.settle();
    const what = `window ${this.windows}: ${calls.join()} ${rate} ${error}${killed ? ', killed' : ''}`;
    expect([what, ...ledger.faults]).toEqual([what]);
  }

  async end(): Promise<void> {
    const service = (this.service ??= await this.start());
    await this.settle();
    await this.verification.sourcesSettled();
    await this.verification.afterSettling(service, this.ledger.attempts, this.ledger.customers.keys());
    expect(await service.stop()).toEqual({ code: 0, signal: null });
    this.filesAreWhole();
    await this.verification.afterAll();
    expect(this.ledger.faults).toEqual([]);
  }

  private start(): Promise<ServiceProcess> {
    const { env, dataDir } = this.place;
    return startService({ dataDir, env: { ...env, ...this.disk.env, LOG_LEVEL: 'fatal' } });
  }

  private async startAgain(): Promise<void> {
    this.filesAreWhole();
    const startedAt = Date.now();
    this.service = await this.start();
    await this.verification.afterStart(startedAt);
  }

  private filesAreWhole(): void {
    const { dataDir } = this.place;
    for (const name of readdirSync(dataDir).filter((file) => file.endsWith('.db'))) {
      const connection = new Connection(join(dataDir, name), 2_000);
      expect([name, ...connection.query('PRAGMA integrity_check').all()]).toEqual([name, ['ok']]);
      connection.close();
    }
  }

  /** Without a restart and without anybody's help. */
  private async back(service: ServiceProcess): Promise<void> {
    const began = performance.now();
    for (;;) {
      const ready = await request(service, 'GET', '/health/ready');
      if (ready.status === 200) break;
      if (performance.now() > began + BACK_AT_MOST_MS) {
        throw new Error(`Not ready ${BACK_AT_MOST_MS} ms after the disk was well: ${JSON.stringify(ready.body)}`);
      }
      await delay(20);
    }
    const written = await request(service, 'POST', '/customers', {});
    expect([written.status, written.body]).toEqual([201, expect.anything()]);
    this.slowestReturnMs = Math.max(this.slowestReturnMs, performance.now() - began);
  }

  private async settle(): Promise<void> {
    const { service, ledger, verification } = this;
    if (service === undefined) return;
    await verification.readLog();
    await Promise.all(
      this.clients.map(async (client) => {
        const { pending } = client;
        if (pending === undefined) return;
        await resolve(service, ledger, verification, pending);
        client.settled(pending);
      }),
    );
    const attempts = ledger.attempts.slice(this.attemptsSeen);
    this.attemptsSeen = ledger.attempts.length;
    await verification.afterSettling(service, attempts, ledger.touched);
    ledger.touched.clear();
  }

  private async prepare(service: ServiceProcess): Promise<Shared> {
    const [first] = this.clients;
    if (first === undefined) throw new RangeError('No clients');
    const customerIds = [await first.create(service), await first.create(service)];
    return { customerIds, sourceIds: [this.random.uuid(), this.random.uuid(), this.random.uuid()] };
  }
}

const library = diskFaultLibrary();
const title = 'A service whose disk fails';

if ('why' in library) notRun(title, library.why);
else if (onServers) notRun(title, 'the stores are on servers');
else describe(title, () => suite(library.file));

function suite(file: string): void {
  let place: Place;
  beforeAll(async () => {
    place = await Place.make();
  });
  afterAll(async () => {
    await cleanUp();
    await place.leave();
  });

  it(
    `loses nothing acknowledged and is back by itself, ${WINDOWS} times under load`,
    async () => {
      const disk = new DiskFaults(file, place.dataDir, join(place.dataDir, 'disk-faults'));
      const test = new DiskTest(place, disk, new Random(seed(), 'disk'));
      const began = Date.now();
      while (test.windows < WINDOWS) await test.window();
      await test.end();
      const { requests, acknowledged, refused, unknown } = test.ledger.counts;
      console.info(
        `${test.windows} windows, ${disk.injected} calls failed, ${test.kills} kills in ${Math.round((Date.now() - began) / 1000)} s: ` +
          `${requests} requests, ${acknowledged} acknowledged, ${refused} refused, ${unknown} unknown; ` +
          `back after ${Math.round(test.slowestReturnMs)} ms at most`,
      );
      disk.close();
    },
    AT_MOST_MS,
  );

  it.each<[OutageKind, readonly FailingCall[], 'EIO' | 'ENOSPC']>([
    ['full', ['writes'], 'ENOSPC'],
    ['io_error', ['writes'], 'EIO'],
    ['io_error', ['syncs'], 'EIO'],
  ])('is not ready while no write can be done, and says %s for %j that fail with %s', async (kind, calls, error) => {
    const { env, dataDir } = place;
    const disk = new DiskFaults(file, dataDir, join(dataDir, 'disk-faults'));
    const service = await startService({ dataDir, env: { ...env, ...disk.env } });
    const ready = (): Promise<Answer> => request(service, 'GET', '/health/ready');
    const create = (): Promise<Answer> => request(service, 'POST', '/customers', { locale: 'de_DE' });
    expect((await ready()).status).toBe(200);
    disk.on(calls, 1, error);
    const refused = await create();
    expect([refused.status, (await create()).status]).toEqual([503, 503]);
    const { status, body } = await ready();
    expect([status, body['error']]).toEqual([503, expect.objectContaining({ event_log: { status: 'down', kind } })]);
    const line = await service.printed(/^\{.*"request failed".*$/m);
    expect(line[0]).toContain(`"kind":"${kind}"`);
    const metrics = await fetch(`${service.url}/metrics`).then((answer) => answer.text());
    expect(metrics).toMatch(new RegExp(`customers_store_faults_total\\{store="event_log",kind="${kind}"\\} [1-9]`));
    disk.off();
    for (const until = Date.now() + BACK_AT_MOST_MS; (await ready()).status !== 200;)
      if (Date.now() > until) throw new Error('Not ready though the disk is well');
    expect((await create()).status).toBe(201);
    await service.stop();
    disk.close();
  });
}
