import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SystemClock } from '../../src/event-sourcing/clock.js';
import { type CloudEvent, EVENT_TYPES } from '../../src/subscribers/cloud-event.js';
import { wholeFeed } from '../support/event-readers.js';
import { seed } from '../support/seed.js';
import { scale } from '../support/scale.js';
import { Random } from '../faults/crash-random.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const DOCUMENT = readFileSync('docs/events.md', 'utf8');
const [, CONSUMER = ''] = /```js\n([^]*?)```/.exec(DOCUMENT) ?? [];
const KILLS = scale(5, 50);

describe('docs/events.md', () => {
  it('lists every type of event', () => {
    for (const type of Object.values(EVENT_TYPES)) expect(DOCUMENT).toContain(`\`${type}\``);
    const listed = DOCUMENT.match(/^\| `customer\..*?\|/gm)?.flatMap((row) => row.match(/customer\.\w+/g) ?? []);
    expect(listed?.sort()).toEqual(Object.values(EVENT_TYPES).sort());
  });

  it('shows a consumer of twenty lines', () => {
    expect(CONSUMER.trimEnd().split('\n')).toHaveLength(20);
  });
});

describe('The consumer in docs/events.md', () => {
  let app: TestApp;
  let folder: string;
  let url: string;
  let consumer: ChildProcess | undefined;
  const handled: CloudEvent[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'events-consumer-'));
    writeFileSync(join(folder, 'consumer.mjs'), CONSUMER);
    app = await startTestApp({ clock: new SystemClock() });
    url = await app.listen();
  });
  afterAll(async () => {
    consumer?.kill('SIGKILL');
    await app.close();
    rmSync(folder, { recursive: true });
  });

  /** @returns once it has handled an event more, or has ended */
  function start(): Promise<void> {
    const env = { EVENTS_URL: `${url}/events`, API_KEY: app.secret, STATE: join(folder, 'state.json') };
    const child = spawn(process.execPath, ['consumer.mjs'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
    consumer = child;
    let rest = '';
    return new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        handled.push(...lines.map((line) => JSON.parse(line) as CloudEvent));
        if (lines.length > 0) resolve();
      });
    });
  }

  const post = async (path: string, body: unknown): Promise<void> => {
    expect((await app.request({ method: 'POST', url: path, body })).statusCode).toBeLessThan(300);
  };

  it(`handles every event in order, though it is killed ${KILLS} times`, async () => {
    for (let n = 0; n < 10; n += 1) await post('/customers', { id: `c${n}`, email: `c${n}@example.com` });
    const random = new Random(seed(), 'kills');
    for (let kill = 0; kill < KILLS; kill += 1) {
      const begun = start();
      for (let n = 0; n < 10; n += 1) await post(`/customers/c${n}`, { enabled: kill % 2 === 1 });
      await begun;
      // Before or after it wrote down how far it has come.
      await delay(random.between(0, 60));
      consumer?.kill('SIGKILL');
    }
    void start();
    const whole = await wholeFeed(app, { limit: 1000 });
    while (new Set(handled.map(({ id }) => id)).size < whole.length) await delay(10);
    const unique = [...new Map(handled.map((event) => [event.id, event])).values()];
    console.log(`${KILLS} kills, ${whole.length} events, ${handled.length - unique.length} duplicates`);
    expect(unique).toEqual(whole);
  });
});
