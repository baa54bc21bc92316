import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { chmod, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import {
  cleanUp,
  endProcesses,
  launch,
  type ServiceProcess,
  startService,
  temporaryFolder,
} from '../support/service-process.js';

const SLOW_MS = 60_000;
const QUIET = { LOG_LEVEL: 'silent' };
/** Without the secret the tests bring along otherwise. */
const FIRST = { ...QUIET, API_KEY_BOOTSTRAP: '' };

afterEach(endProcesses);
afterAll(cleanUp);

describe('a start', () => {
  it(
    'prints one short block with address, docs, data folder and a key, and the key works',
    async () => {
      const service = await startService({ env: FIRST });
      const lines = service.stdout.trimEnd().split('\n');
      expect(lines.length).toBeLessThanOrEqual(8);
      expect(service.stdout).toContain(`address      ${service.url}\n`);
      expect(service.stdout).toContain(`docs         ${service.url}/docs\n`);
      expect(service.stdout).toContain(`data folder  ${service.dataDir}\n`);
      expect(service.stderr).toBe('');
      expect((await get(service, '/customers')).status).toBe(200);
      expect((await fetch(`${service.url}/docs`)).status).toBe(200);
      expect((await fetch(`${service.url}/openapi.json`)).status).toBe(200);
      expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    },
    SLOW_MS,
  );

  it(
    'on the same folder has everything of the first, and shows no key again',
    async () => {
      const first = await startService({ env: FIRST });
      const created = await post(first, '/customers', { email: 'jane@example.com', metadata: { tier: 'gold' } });
      expect(created.status).toBe(201);
      const customer: unknown = await created.json();
      expect(await first.stop()).toEqual({ code: 0, signal: null });

      const second = await startService({ env: FIRST, dataDir: first.dataDir });
      expect(second.stdout).not.toMatch(/API key|ck_/);
      const { id } = customer as { id: string };
      const found = await get({ url: second.url, key: first.key }, `/customers/${id}`);
      expect(await found.json()).toEqual(customer);
      expect((await get({ url: second.url, key: first.key }, '/customers?email=jane@example.com')).status).toBe(200);
    },
    SLOW_MS,
  );

  it(
    'takes a configured secret as the first key without printing it, and ignores another one later',
    async () => {
      const secret = 'a-secret-of-our-own-making';
      const first = await startService({ env: { ...QUIET, API_KEY_BOOTSTRAP: secret } });
      expect((await get({ url: first.url, key: secret }, '/customers')).status).toBe(200);
      expect(first.stdout + first.stderr).not.toContain(secret);
      await first.stop();
      const other = 'another-secret-that-comes-too-late';
      const second = await startService({ env: { ...QUIET, API_KEY_BOOTSTRAP: other }, dataDir: first.dataDir });
      expect((await get({ url: second.url, key: other }, '/customers')).status).toBe(401);
      expect((await get({ url: second.url, key: secret }, '/customers')).status).toBe(200);
    },
    SLOW_MS,
  );

  it(
    'makes the data folder when there is none, for its owner only',
    async () => {
      const dataDir = join(await temporaryFolder(), 'deep', 'data');
      const service = await startService({ env: { ...QUIET, DATA_DIR: dataDir } });
      expect((await stat(dataDir)).mode & 0o077).toBe(0);
      expect((await stat(join(dataDir, 'master.key'))).mode & 0o777).toBe(0o600);
      expect(service.stdout).toContain(dataDir);
    },
    SLOW_MS,
  );

  it(
    'on a folder in use is refused in one line, while the first server goes on',
    async () => {
      const first = await startService({ env: QUIET });
      const second = await launch({ env: QUIET, dataDir: first.dataDir });
      expect(await second.exited).toEqual({ code: 1, signal: null });
      expect(second.stdout).toBe('');
      expect(second.stderr).toMatch(/^[^\n]* is using [^\n]*\n$/);
      expect(second.stderr).toContain(first.dataDir);
      expect((await post(first, '/customers', { email: 'john@example.com' })).status).toBe(201);
      expect((await get(first, '/customers')).status).toBe(200);
    },
    SLOW_MS,
  );
});

it(
  'is refused in one line when the log is not the one that was followed before',
  async () => {
    const first = await startService({ env: QUIET });
    expect((await post(first, '/customers', {})).status).toBe(201);
    await first.stop();
    await rm(join(first.dataDir, 'events.db'));
    const second = await launch({ env: QUIET, dataDir: first.dataDir });
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.stderr).toMatch(/^[^\n]*event log[^\n]*\n$/);
    expect(second.stderr).toContain('npm run admin -- rebuild');
  },
  SLOW_MS,
);

describe('a start with a bad setting names it in one line and ends with exit code 1', () => {
  const bad: readonly [name: string, value: string][] = [
    ['PORT', '65536'],
    ['HOST', 'no.such.host.invalid'],
    ['API_KEY_BOOTSTRAP', 'short'],
    ['MASTER_KEYS', `a:${Buffer.alloc(31).toString('base64')}`],
    ['FORGET_GRACE_DAYS', '-1'],
    ['SOURCES_URL', 'ftp://example.com'],
    ['SOURCES_TOKEN', 'two\nlines'],
    ['LIVE_MODE', 'yes'],
    ['LOG_LEVEL', 'loud'],
    ['BODY_LIMIT', '1'],
  ];

  it.each(bad)(
    '%s=%j',
    async (name, value) => {
      expectOneLine(await refusal({ [name]: value }), name);
    },
    SLOW_MS,
  );

  it(
    'DATA_DIR that is a file, or lies in one',
    async () => {
      const file = join(await temporaryFolder(), 'file');
      await writeFile(file, 'not a folder');
      expectOneLine(await refusal({ DATA_DIR: file }), 'DATA_DIR');
      expectOneLine(await refusal({ DATA_DIR: join(file, 'data') }), 'DATA_DIR');
    },
    SLOW_MS,
  );

  it(
    'MASTER_KEY_FILE that is too short, or open to everybody',
    async () => {
      const file = join(await temporaryFolder(), 'key');
      await writeFile(file, 'short', { mode: 0o600 });
      expectOneLine(await refusal({ MASTER_KEY_FILE: file }), file);
      await writeFile(file, Buffer.alloc(32, 7));
      await chmod(file, 0o644);
      expectOneLine(await refusal({ MASTER_KEY_FILE: file }), file);
    },
    SLOW_MS,
  );

  it(
    'PORT that is taken',
    async () => {
      const other = createServer();
      await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
      const address = other.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      try {
        expectOneLine(await refusal({ PORT: String(port) }), 'PORT');
      } finally {
        other.close();
      }
    },
    SLOW_MS,
  );

  it(
    'a master key that is not the one of the data folder',
    async () => {
      const first = await startService({ env: QUIET });
      await first.stop();
      // Beside others the key of the file counts as an old one.
      await rm(join(first.dataDir, 'master.key'));
      const other = `other:${Buffer.alloc(32, 9).toString('base64')}`;
      expectOneLine(await refusal({ MASTER_KEYS: other }, first.dataDir), 'MASTER_KEYS');
    },
    SLOW_MS,
  );

  async function refusal(env: Readonly<Record<string, string>>, dataDir?: string) {
    const process = await launch({ env: { ...QUIET, ...env }, ...(dataDir !== undefined && { dataDir }) });
    // One that goes on, or never ends, is ended: its exit tells.
    const force = setTimeout(() => process.kill(), SLOW_MS / 3);
    const exit = await process.exited.finally(() => clearTimeout(force));
    return { exit, stdout: process.stdout, stderr: process.stderr };
  }

  function expectOneLine({ exit, stdout, stderr }: Awaited<ReturnType<typeof refusal>>, named: string): void {
    expect(stderr).toMatch(/^[^\n]{10,300}\n$/);
    expect(stderr).toContain(named);
    expect(stderr).not.toMatch(/\bat .*\.js|Error:|node:/);
    expect(stdout).toBe('');
    expect(exit).toEqual({ code: 1, signal: null });
  }
});

describe('SIGTERM', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s lets a request in flight finish, takes no new one, and ends with 0',
    async (signal) => {
      const service = await startService({ env: QUIET });
      const request = await halfARequest(service);
      service.kill(signal);
      await refused(service);
      request.socket.write(request.rest);
      expect(await request.answer).toMatch(/^HTTP\/1\.1 201 /);
      expect(await service.exited).toEqual({ code: 0, signal: null });

      const again = await startService({ env: QUIET, dataDir: service.dataDir });
      expect((await get(again, '/customers/in-flight')).status).toBe(200);
    },
    SLOW_MS,
  );

  it(
    'does not wait for idle connections',
    async () => {
      const service = await startService({ env: QUIET });
      const idle = await open(service);
      const began = Date.now();
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      expect(Date.now() - began).toBeLessThan(8_000);
      idle.destroy();
    },
    SLOW_MS,
  );

  it(
    'waits at most 10 s for a request that never ends',
    async () => {
      const service = await startService({ env: QUIET });
      const { socket } = await halfARequest(service);
      const began = Date.now();
      service.kill('SIGTERM');
      const { signal } = await service.exited;
      const tookMs = Date.now() - began;
      expect(signal).toBeNull();
      expect(tookMs).toBeGreaterThan(5_000);
      expect(tookMs).toBeLessThan(14_000);
      socket.destroy();
      const again = await startService({ env: QUIET, dataDir: service.dataDir });
      expect((await get(again, '/customers/in-flight')).status).toBe(404);
    },
    SLOW_MS,
  );

  /** All but the end of its body. */
  async function halfARequest(service: ServiceProcess) {
    const socket = await open(service);
    let text = '';
    const answer = new Promise<string>((resolve) => {
      socket.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.includes('\r\n\r\n') && !text.startsWith('HTTP/1.1 100')) resolve(text);
      });
      socket.on('close', () => resolve(text));
    });
    const body = JSON.stringify({ id: 'in-flight', email: 'late@example.com' });
    const head = `POST /customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${service.key}\r\nContent-Type: application/json\r\n`;
    await new Promise((sent) =>
      socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`, sent),
    );
    // Answered after it on another connection: the server has read the first half by now.
    expect((await get(service, '/customers')).status).toBe(200);
    return { socket, rest: body.slice(10), answer };
  }

  function open({ url }: ServiceProcess): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => resolve(socket));
      socket.on('error', reject);
    });
  }

  /** Waits until no new connection is taken. */
  async function refused(service: ServiceProcess): Promise<void> {
    for (;;) {
      const socket = await open(service).catch(() => undefined);
      if (socket === undefined) return;
      socket.destroy();
    }
  }
});

describe('the admin command', () => {
  it(
    'explains itself without a data folder, and refuses what it does not know',
    async () => {
      const help = await admin(await temporaryFolder(), '--help');
      expect(help.exit).toEqual({ code: 0, signal: null });
      expect(help.stdout).toMatch(/rebuild[^]*api-keys/);
      const unknown = await admin(await temporaryFolder(), 'no-such-command');
      expect(unknown.exit.code).toBe(2);
      expect(unknown.stderr).toContain('no-such-command');
    },
    SLOW_MS,
  );

  it(
    'creates, lists and revokes keys beside the running service, which heeds them within a second',
    async () => {
      const { url, key, dataDir } = await startService({ env: QUIET });
      const created = await admin(dataDir, 'api-keys', 'create', '--name', 'reader', '--scopes', 'customers:read');
      expect(created.exit.code).toBe(0);
      const [, id = ''] = /\b(key_\S+)/.exec(created.stdout) ?? [];
      const [, secret = ''] = /\b(ck_\S+)/.exec(created.stdout) ?? [];
      expect((await get({ url, key: secret }, '/customers')).status).toBe(200);
      expect((await post({ url, key: secret }, '/customers', {})).status).toBe(403);

      const listed = await admin(dataDir, 'api-keys', 'list');
      expect(listed.stdout).toMatch(new RegExp(`${id}\\s+active\\s+reader\\s+customers:read`));
      expect(listed.stdout).not.toContain(secret);
      expect(listed.stdout).not.toContain(key);

      expect((await admin(dataDir, 'api-keys', 'revoke', id)).exit.code).toBe(0);
      while ((await get({ url, key: secret }, '/customers')).status !== 401);
      expect((await get({ url, key }, '/customers')).status).toBe(200);
      const again = await admin(dataDir, 'api-keys', 'revoke', id);
      expect(again.exit.code).toBe(1);
      expect(again.stderr).toMatch(/^[^\n]+\n$/);
    },
    SLOW_MS,
  );

  it(
    'refuses a scope that does not exist and a time that has passed',
    async () => {
      const dataDir = await temporaryFolder();
      const scope = await admin(dataDir, 'api-keys', 'create', '--name', 'x', '--scopes', 'customers:all');
      expect(scope.exit.code).toBe(2);
      expect(scope.stderr).toContain('customers:all');
      const past = ['api-keys', 'create', '--name', 'x', '--scopes', 'all', '--expires', '2020-01-01T00:00:00Z'];
      expect((await admin(dataDir, ...past)).exit.code).toBe(2);
    },
    SLOW_MS,
  );

  it(
    'rebuilds the views beside the running service, which serves and takes writes all the while',
    async () => {
      const service = await startService({ env: QUIET });
      for (let n = 0; n < 20; n += 1) {
        expect((await post(service, '/customers', { id: `before-${n}`, email: `n${n}@example.com` })).status).toBe(201);
      }
      await fetch(`${service.url}/customers/before-0`, {
        method: 'DELETE',
        headers: { Authorization: `Bearer ${service.key}` },
      });
      const before: unknown = await (await get(service, '/customers?limit=100')).json();

      const rebuild = await launch({
        dataDir: service.dataDir,
        env: QUIET,
        entry: 'dist/admin/main.js',
        args: ['rebuild'],
      });
      let over = false;
      void rebuild.exited.then(() => (over = true));
      let during = 0;
      while (!over) {
        expect((await post(service, '/customers', { id: `during-${during}` })).status).toBe(201);
        expect((await get(service, `/customers/during-${during}`)).status).toBe(200);
        expect((await get(service, '/customers/before-1')).status).toBe(200);
        during += 1;
      }
      expect(await rebuild.exited).toEqual({ code: 0, signal: null });
      expect(rebuild.stdout).toMatch(/Rebuilt from \d+ events/);
      expect(during).toBeGreaterThan(0);

      const ids = Array.from({ length: 20 }, (_, n) => `before-${n}`).join();
      expect(await (await get(service, `/customers?limit=100&ids=${ids}`)).json()).toEqual(before);
      for (let n = 0; n < during; n += 1) expect((await get(service, `/customers/during-${n}`)).status).toBe(200);
      expect((await get(service, '/customers/before-0')).status).toBe(404);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
    },
    SLOW_MS,
  );

  it(
    'names a bad setting like the service does',
    async () => {
      const { exit, stderr } = await admin(await temporaryFolder(), 'api-keys', 'list', { FORGET_GRACE_DAYS: 'soon' });
      expect(exit.code).toBe(1);
      expect(stderr).toMatch(/^[^\n]*FORGET_GRACE_DAYS[^\n]*\n$/);
    },
    SLOW_MS,
  );

  async function admin(dataDir: string, ...rest: readonly (string | Readonly<Record<string, string>>)[]) {
    const args = rest.filter((part) => typeof part === 'string');
    const env = Object.assign({}, QUIET, ...rest.filter((part) => typeof part !== 'string'));
    const process = await launch({ dataDir, env, entry: 'dist/admin/main.js', args });
    return { exit: await process.exited, stdout: process.stdout, stderr: process.stderr };
  }
});

type Access = Pick<ServiceProcess, 'url' | 'key'>;

const get = ({ url, key }: Access, path: string): Promise<Response> =>
  fetch(url + path, { headers: { Authorization: `Bearer ${key}` } });

const post = ({ url, key }: Access, path: string, body: unknown): Promise<Response> =>
  fetch(url + path, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
