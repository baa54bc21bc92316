import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { HttpCaller } from '../support/http-call.js';
import { scale } from '../support/scale.js';
import { cleanUp, launch, type ServiceProcess, startService, temporaryFolder } from '../support/service-process.js';

const CUSTOMERS = scale(200, 5_000);
const WRITERS = 6;
const NEW = `new:${randomBytes(32).toString('base64')}`;

const emailOf = (id: string): string => `${id}@example.com`;

describe('The rotation of the master key under load', () => {
  let dataDir: string;
  let service: ServiceProcess;
  let http: HttpCaller;
  const failures: string[] = [];
  const erased = new Set<string>();
  const living = new Set<string>();

  beforeAll(async () => {
    dataDir = await temporaryFolder();
  });
  afterAll(cleanUp);

  async function start(masterKeys: string): Promise<void> {
    service = await startService({ dataDir, env: { MASTER_KEYS: masterKeys } });
    http = new HttpCaller(service.url, service.key);
  }
  async function stop(): Promise<void> {
    http.close();
    expect(await service.stop()).toEqual({ code: 0, signal: null });
  }
  async function admin(masterKeys: string, ...args: readonly string[]): Promise<[number | null, string]> {
    const env = { MASTER_KEYS: masterKeys };
    const process = await launch({ dataDir, env, entry: 'dist/admin/main.js', args: ['master-key', ...args] });
    const { code } = await process.exited;
    return [code, process.stdout + process.stderr];
  }
  async function send(method: string, path: string, body?: unknown, key?: string): Promise<string> {
    const headers = key === undefined ? {} : { 'idempotency-key': key };
    const answer = await http.call({ method, path, headers, ...(body !== undefined && { body }) });
    if (answer.status >= 400) failures.push(`${method} ${String(answer.status)} ${answer.text}`);
    return answer.text;
  }
  async function create(id: string): Promise<void> {
    await send('POST', '/customers', { id, email: emailOf(id) }, `key of ${id}`);
    living.add(id);
  }

  /** Each on customers of its own, so that none may be refused. */
  async function writer(name: number, goOn: () => boolean): Promise<void> {
    for (let n = 0; goOn(); n += 1) {
      const id = `w${String(name)}-${String(n)}`;
      await create(id);
      expect(await send('POST', `/customers/${id}`, { metadata: { n } })).toContain(emailOf(id));
      const before = `c${String(name + n * WRITERS)}`;
      if (!living.has(before)) continue;
      expect(await send('GET', `/customers/${before}`)).toContain(emailOf(before));
      if (n % 2 === 1) continue;
      living.delete(before);
      await send('DELETE', `/customers/${before}`);
      erased.add(before);
    }
  }

  it('moves from the key file to a listed key: no request fails, and what is erased meanwhile stays so', async () => {
    await start('');
    for (let n = 0; n < CUSTOMERS; n += 1) await create(`c${String(n)}`);
    await stop();
    await start(NEW);
    let rotating = true;
    const writers = Array.from({ length: WRITERS }, (_, name) => writer(name, () => rotating));
    const rotated = await admin(NEW, 'rotate').finally(() => (rotating = false));
    await Promise.all(writers);
    expect(rotated[1]).toMatch(/keys are wrapped by new now\.\nnew\tactive\t\d+ keys/);
    expect(rotated[1]).toMatch(/\told\t0 keys\twraps nothing here: may be removed and destroyed\n$/);
    expect([rotated[0], failures, erased.size > WRITERS]).toEqual([0, [], true]);
  }, 120_000);

  it('leaves nothing that needs the old key: with the new one alone everything opens', async () => {
    await stop();
    rmSync(join(dataDir, 'master.key'));
    expect(await admin(NEW, 'status')).toEqual([0, expect.stringMatching(/^new\tactive\t\d+ keys\twraps new keys\n$/)]);
    await start(NEW);
    for (const id of living) expect(await send('GET', `/customers/${id}`)).toContain(emailOf(id));
    // The service's own secrets too: an address and an Idempotency-Key are known again.
    const [first = ''] = living;
    expect(await send('GET', `/customers?email=${emailOf(first)}`)).toContain(`"id":"${first}"`);
    const repeated = await http.call({
      method: 'POST',
      path: '/customers',
      body: { id: first, email: emailOf(first) },
      headers: { 'idempotency-key': `key of ${first}` },
    });
    expect(repeated.status).toBe(201);
    expect(failures).toEqual([]);
    for (const id of erased) expect((await http.call({ path: `/customers/${id}` })).status).toBe(404);
    await stop();
  }, 120_000);

  it('says what is left where a master key is missing, and tells how it is used', async () => {
    const other = `other:${randomBytes(32).toString('base64')}`;
    const [code, text] = await admin(other, 'rotate');
    expect(code).toBe(1);
    expect(text).toMatch(/new\tunknown\t\d+ keys\tnot configured/);
    expect(text).toMatch(/keys are left that do not open: configure their master keys, then run it again\.\n$/);
    expect(await admin(NEW, 'rotate', '--help')).toEqual([0, expect.stringContaining('Exit codes')]);
  }, 120_000);
});
