import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { onServers, Place, viewsWithoutIndexes } from '../support/servers.js';
import { cleanUp, launch, type LaunchOptions, type ServiceProcess, startService } from '../support/service-process.js';
import { Client, type Shared } from './crash-clients.js';
import { Ledger } from './crash-ledger.js';
import { Random } from './crash-random.js';
import { resolve, Verification } from './crash-verification.js';

const KILLS = scale(10, 500);
const LOAD = { clients: 16, answers: 400 };
/** Such a server looks through all there is for each command, and answers a handful at a time. */
const SMALL_LOAD = { clients: 3, answers: 60 };

/** On a server a lease stays with who was killed until it ends, and each start waits for it: up to 12 s. */
const START_AT_MOST_MS = onServers ? 29_000 : 20_000;
const AT_MOST_MS = onServers ? scale(900_000, 4 * 3_600_000) : scale(300_000, 3_600_000);

/** One set of stores that lives through all kills. A request to be forgotten is due at once, and carried out at a start. */
class CrashTest {
  readonly ledger = new Ledger();
  readonly clients: readonly Client[];
  readonly verification: Verification;
  kills = 0;
  slowestStartMs = 0;
  private attemptsSeen = 0;

  constructor(
    private readonly place: Place,
    private readonly random: Random,
    private readonly load: typeof LOAD,
  ) {
    this.verification = new Verification(this.ledger, place.config);
    this.clients = Array.from({ length: load.clients }, (_, index) => {
      const name = `c${index}`;
      return new Client(name, this.ledger, random.fork(name));
    });
  }

  /** A start after which everything acknowledged is there, and everything unknown is found out. */
  async start(): Promise<ServiceProcess> {
    if (this.random.chance(0.2)) await this.killWhileStarting();
    const startedAt = Date.now();
    const service = await startService(this.options);
    this.slowestStartMs = Math.max(this.slowestStartMs, Date.now() - startedAt);
    await this.verification.afterStart(startedAt);
    await Promise.all(this.clients.map((client) => this.findOut(service, client)));
    const attempts = this.ledger.attempts.slice(this.attemptsSeen);
    this.attemptsSeen = this.ledger.attempts.length;
    await this.verification.afterSettling(service, attempts, this.ledger.touched);
    this.ledger.touched.clear();
    expect(this.ledger.faults).toEqual([]);
    return service;
  }

  /** All clients at once, until the process is killed in the midst of it. */
  async killUnderLoad(service: ServiceProcess, round: number): Promise<void> {
    const shared = await this.prepare(service);
    const random = this.random.fork(`kill ${round}`);
    let over = false;
    const work = this.clients.map((client) => client.work(service, shared, () => over));
    const enough = this.ledger.answers + random.between(0, this.load.answers);
    while (this.ledger.answers < enough && this.ledger.faults.length === 0) await delay(1);
    await delay(random.next() * 10);
    service.kill('SIGKILL');
    this.kills += 1;
    over = true;
    await Promise.all([...work, service.exited]);
    expect(this.ledger.faults).toEqual([]);
  }

  private get options(): LaunchOptions {
    const { env, dataDir } = this.place;
    return { dataDir, env: { ...env, FORGET_GRACE_DAYS: '0', LOG_LEVEL: 'warn' } };
  }

  private async killWhileStarting(): Promise<void> {
    const process = await launch(this.options);
    await delay(this.random.between(100, 1500));
    process.kill('SIGKILL');
    this.kills += 1;
    await process.exited;
  }

  private async findOut(service: ServiceProcess, client: Client): Promise<void> {
    const { pending } = client;
    if (pending !== undefined) {
      await resolve(service, this.ledger, this.verification, pending);
      client.settled(pending);
    }
    const { repeatable } = client;
    if (repeatable === undefined || repeatable === pending) return;
    const answer = await this.ledger.ask(service, repeatable);
    if (answer === undefined || answer.status >= 400) {
      this.ledger.blame(repeatable, `was done, but its repeat was answered with ${JSON.stringify(answer)}`);
    }
  }

  private async prepare(service: ServiceProcess): Promise<Shared> {
    const [first] = this.clients;
    if (first === undefined) throw new RangeError('No clients');
    const customerIds = [await first.create(service), await first.create(service)];
    return { customerIds, sourceIds: [this.random.uuid(), this.random.uuid(), this.random.uuid()] };
  }
}

let place: Place;
beforeAll(async () => {
  place = await Place.make();
});
afterAll(async () => {
  await cleanUp();
  await place.leave();
});

it(
  `loses nothing acknowledged and does nothing twice when it is killed ${KILLS} times under load`,
  async () => {
    const random = new Random(seed(), 'crash');
    const test = new CrashTest(place, random, (await viewsWithoutIndexes()) ? SMALL_LOAD : LOAD);
    const began = Date.now();
    for (let round = 1; test.kills < KILLS; round += 1) await test.killUnderLoad(await test.start(), round);
    const service = await test.start();
    await test.verification.sourcesSettled();
    await test.verification.erasuresSettled();
    await test.verification.afterSettling(service, test.ledger.attempts, test.ledger.customers.keys());
    await test.verification.afterAll();
    report(test, began);
    expect(test.ledger.faults).toEqual([]);
    expect(test.slowestStartMs).toBeLessThan(START_AT_MOST_MS);
    expect(await service.stop()).toEqual({ code: 0, signal: null });
  },
  AT_MOST_MS,
);

function report({ ledger, verification, kills, slowestStartMs }: CrashTest, began: number): void {
  const { requests, acknowledged, refused, unknown } = ledger.counts;
  console.info(
    `${kills} kills in ${Math.round((Date.now() - began) / 1000)} s: ${requests} requests, ${acknowledged} acknowledged, ` +
      `${refused} refused, ${unknown} unknown; ${verification.events} events, ${verification.endings} lives ended; ` +
      `slowest start ${slowestStartMs} ms`,
  );
}
