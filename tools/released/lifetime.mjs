// From the first start on an empty data folder to the moment the release leaves it.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../build.mjs';
import { recordAudit, recordCustomers, recordFeed, recordLists, recordTree, recordWebhooks } from './answers.mjs';
import { holdBack, inTemporaryFolder } from './folder.mjs';
import { admin, endServices, Service } from './processes.mjs';
import { Receiver } from './receiver.mjs';
import { Recorder } from './recorder.mjs';
import { addKey, firstRun, lastRun, secondRun, thirdRun } from './story.mjs';

/** @typedef {'clean' | 'killed'} Leaving */
/** @typedef {import('./story.mjs').World} World */

/** @type {readonly Leaving[]} */
export const LEAVINGS = ['clean', 'killed'];

const HOUR_MS = 3_600_000;
/** Hours between the start of each run and the moment the folder is left. */
const AGO = { first: 144, second: 60, third: 1, last: 0 };
/** Days. The later one is the longest there is. */
const GRACE = { first: '2', later: '3650' };
const FIXTURE_API_KEY = 'fixture-api-key-not-a-secret';
const FIXTURE_MASTER_KEY = Buffer.from('fixture-master-key-not-a-secret!').toString('base64');
const FIRST_SETTINGS = {
  LIVE_MODE: 'true',
  WEBHOOKS_ALLOW_LOOPBACK: 'true',
  API_KEY_BOOTSTRAP: FIXTURE_API_KEY,
  FORGET_GRACE_DAYS: GRACE.first,
};
const SETTINGS = {
  ...FIRST_SETTINGS,
  FORGET_GRACE_DAYS: GRACE.later,
  MASTER_KEYS: `fixture-2:${FIXTURE_MASTER_KEY}`,
  MASTER_KEY_EPOCH_DAYS: '31',
};
/** Sorts behind all other ids, so that it moves no page of the others. */
const UNFINISHED = 'zz-leaving';
const CRASH = join(root, 'test/faults/crash-preload.mjs');

/**
 * @param {Leaving} leaving
 * @param {string} dataDir empty
 * @returns {Promise<any>} the expectations
 */
export const liveAndLeave = (leaving, dataDir) =>
  inTemporaryFolder(async (elsewhere) => {
    const receiver = new Receiver();
    await receiver.start();
    try {
      return await live(leaving, dataDir, receiver, join(elsewhere, 'crash-at.json'));
    } finally {
      endServices();
      receiver.stop();
    }
  });

/** @type {(leaving: Leaving, dataDir: string, receiver: Receiver, crashAt: string) => Promise<any>} */
const live = async (leaving, dataDir, receiver, crashAt) => {
  const keys = /** @type {Record<string, string>} */ ({ all: FIXTURE_API_KEY });
  const http = new Recorder(keys);
  const noService = () => Promise.reject(new Error('No service runs'));
  /** @type {World} */
  const world = { http, receiver, keys, webhooks: {}, repeats: [], odd: [], admin: noService };
  /** @type {(hoursAgo: number, settings: Record<string, string>, preloads?: string[]) => Promise<Service>} */
  const start = async (hoursAgo, settings, preloads) => {
    const place = { dataDir, settings, shiftMs: -hoursAgo * HOUR_MS };
    world.admin = (...args) => admin(place, ...args);
    const service = await Service.start(place, preloads);
    http.url = service.url;
    return service;
  };

  const first = await start(AGO.first, FIRST_SETTINGS);
  await firstRun(world);
  await first.stop();
  const second = await start(AGO.second, SETTINGS);
  await secondRun(world, leaving === 'clean');
  await second.stop();
  rmSync(join(dataDir, 'master.key'));
  const third = await start(AGO.third, SETTINGS);
  await thirdRun(world);
  await recordAudit(http, new Date(Date.now() - AGO.third * HOUR_MS).toISOString());
  const tree = await recordTree(http);
  await third.stop();

  writeFileSync(crashAt, JSON.stringify({ step: 'subjectKeys.destroy', call: 1, when: 'before' }));
  const last = await start(AGO.last, { ...SETTINGS, CRASH_AT: crashAt }, leaving === 'killed' ? [CRASH] : []);
  const letGo = holdBack(join(dataDir, 'access.db'));
  await addKey(world, 'late', 'customers:read').finally(letGo);
  await lastRun(world);
  const living = await recordCustomers(world);
  await recordLists(http);
  await recordFeed(http);
  await recordWebhooks(world);
  const leftTime = new Date().toISOString();
  await leave(leaving, last, http);
  return {
    ...{ leftTime, settings: SETTINGS, fixtureKeys: keys },
    ...{ living, held: 'held', pending: 'pending', unfinished: UNFINISHED },
    webhooks: Object.fromEntries(
      Object.entries(world.webhooks).map(([name, { id, secret }]) => [name, { id, secret }]),
    ),
    ...{ tree, answers: http.answers, streams: http.streams },
  };
};

/**
 * With a deletion that is not finished: its receipt is not issued yet, or the service is killed before the key is destroyed.
 * @type {(leaving: Leaving, service: Service, http: Recorder) => Promise<void>}
 */
const leave = async (leaving, service, http) => {
  const customer = { id: UNFINISHED, email: 'leaving@example.com', metadata: { seat: 'window' } };
  await http.change({ path: '/customers', body: customer });
  const deletion = { path: `/customers/${UNFINISHED}`, method: 'DELETE' };
  if (leaving === 'clean') {
    await http.change(deletion);
    await service.stop();
    return;
  }
  const armed = service.prints(/armed/);
  service.kill('SIGUSR2');
  await armed;
  await Promise.all([http.ask(deletion).catch(() => undefined), service.killed()]);
};
