import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SqliteDatabase } from '../../src/stores/sqlite/database.js';
import { HttpCaller } from '../support/http-call.js';
import { scale } from '../support/scale.js';
import { cleanUp, type Exit, launch, startService, temporaryFolder } from '../support/service-process.js';

afterAll(cleanUp);

const admin = async (dataDir: string, ...args: readonly string[]) => {
  const command = await launch({ dataDir, entry: 'dist/admin/main.js', args });
  return { exit: await command.exited, out: command.stdout, err: command.stderr };
};
const code = ({ exit }: { exit: Exit }): number | null => exit.code;

it('the commands verify, replay and export beside a running service, and a witness keeps what it signs', async () => {
  const kept = await temporaryFolder();
  const witness = await launch({
    dataDir: kept,
    entry: 'dist/admin/main.js',
    args: ['audit', 'witness', '--folder', kept, '--port', '0'],
  });
  const [, witnessUrl = ''] = await witness.printed(/listening at (\S+)/);
  const service = await startService({ env: { AUDIT_WITNESS_URL: witnessUrl } });
  const { dataDir, url, key } = service;
  const caller = new HttpCaller(url, key);
  const send = (method: string, path: string, body?: object) => caller.call({ method, path, ...(body && { body }) });
  for (const id of ['c1', 'c2', 'c3']) {
    await send('POST', '/customers', { id, email: `${id}@example.com` });
    await send('POST', `/customers/${id}`, { locale: 'de_DE' });
  }
  await send('DELETE', '/customers/c3');

  const bundle = join(await temporaryFolder(), 'bundle');
  const exported = await admin(dataDir, 'audit', 'export', '--out', bundle);
  expect([exported.err, code(exported)]).toEqual(['', 0]);
  expect(readdirSync(bundle).sort()).toEqual(
    ['checkpoint.txt', 'events.jsonl', 'leaves.jsonl', 'manifest.json', 'verify-export.mjs', 'views.jsonl'].sort(),
  );
  expect(readFileSync(join(bundle, 'events.jsonl'), 'utf8')).not.toContain('@example.com');
  const checkpoint = join(bundle, 'checkpoint.txt');
  const offline = async (): Promise<{ exit: Exit; out: string }> => {
    const verifier = await launch({ entry: join(bundle, 'verify-export.mjs'), args: ['--checkpoint', checkpoint] });
    return { exit: await verifier.exited, out: verifier.stdout };
  };
  const first = await offline();
  expect([first.out.includes('SOUND'), code(first)]).toEqual([true, 0]);

  await witness.printed(/A checkpoint is kept/);
  await witness.stop();
  const [origin = ''] = readdirSync(kept).filter((name) => name.startsWith('customers-'));
  expect(readdirSync(join(kept, origin)).length).toBeGreaterThan(0);

  const sound = await admin(dataDir, 'audit', 'verify', '--checkpoint', checkpoint);
  expect([sound.out.split('\n').at(-2), sound.err, code(sound)]).toEqual(['SOUND', '', 0]);

  const out = join(await temporaryFolder(), 'then.jsonl');
  const now = new Date().toISOString();
  if (scale(0, 1) === 1) {
    const denied = await admin(dataDir, 'audit', 'replay', '--as-of', now, '--out', out, '--with-personal');
    expect([code(denied), existsSync(out)]).toEqual([1, false]);
    const personal = join(await temporaryFolder(), 'personal.jsonl');
    const shown = await admin(
      dataDir,
      'audit',
      'replay',
      '--as-of',
      now,
      '--out',
      personal,
      '--with-personal',
      '--key',
      key,
    );
    expect([code(shown), shown.err.includes('in clear')]).toEqual([0, true]);
    expect(readFileSync(personal, 'utf8')).toContain('c1@example.com');
  }
  const replayed = await admin(dataDir, 'audit', 'replay', '--as-of', now, '--out', out);
  expect([replayed.err, code(replayed)]).toEqual(['', 0]);
  const states = readFileSync(out, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(states.map(({ customerId, status, customer }) => [customerId, status, customer?.email])).toEqual([
    ['c1', 'active', '[personal]'],
    ['c2', 'active', '[personal]'],
    ['c3', 'deleted', undefined],
  ]);
  const uses = await send('GET', '/audit/events?types=AuditAccessed');
  const actions = JSON.parse(uses.text).data.map((event: { details?: { action: string } }) => JSON.stringify(event));
  for (const action of ['audit export', 'audit verify', 'audit replay']) expect(actions.join()).toContain(action);
  caller.close();
  await service.stop();

  const log = await SqliteDatabase.open({
    file: join(dataDir, 'events.db'),
    store: 'event_log',
    durability: 'full',
    schema: '',
  });
  log.writer.exec(`UPDATE events SET data = '{"locale":"fr_FR"}' WHERE stream = 'customer-c2' AND revision = 1`);
  await log.close();
  const tampered = await admin(dataDir, 'audit', 'verify', '--checkpoint', checkpoint);
  expect(code(tampered)).toBe(1);
  expect(tampered.out).toMatch(/not as it was.*\[customer-c2, revision 1, event [0-9a-f-]{36}, leaf \d+\]/);
  const file = join(bundle, 'events.jsonl');
  writeFileSync(file, readFileSync(file, 'utf8').replace('de_DE', 'fr_FR'));
  const second = await offline();
  expect([second.out.includes('customer-c1, revision 1'), code(second)]).toEqual([true, 1]);

  if (scale(0, 1) === 0) return;
  const missing = await admin(dataDir, 'audit', 'verify', '--checkpoint', join(bundle, 'none'));
  expect(code(missing)).toBe(3);
}, 120_000);
