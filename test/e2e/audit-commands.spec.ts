import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '../../src/stores/sqlite/connection.js';
import { HttpCaller } from '../support/http-call.js';
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
  await send('PUT', '/customers/c2/legal-hold');
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
  const personal = join(await temporaryFolder(), 'personal.jsonl');
  const withPersonal = ['audit', 'replay', '--as-of', now, '--out', personal, '--with-personal', '--key'];
  const denied = await admin(dataDir, ...withPersonal, 'another');
  expect([code(denied), existsSync(personal)]).toEqual([1, false]);
  expect(denied.err).toContain('audit:read.pii');
  const shown = await admin(dataDir, ...withPersonal, key);
  expect([code(shown), shown.err]).toEqual([0, expect.stringContaining('in clear, which no erasure reaches')]);
  expect(readFileSync(personal, 'utf8')).toContain('"email":"c1@example.com"');
  expect(readFileSync(personal, 'utf8')).not.toContain('c3@example.com');
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
  type Use = { actor: { type: string; id: string }; access: { action: string; details?: { personal?: boolean } } };
  const uses: Use[] = JSON.parse((await send('GET', '/audit/events?types=AuditAccessed')).text).data;
  const told = uses.map(({ actor, access }) => [access.action, actor.type, access.details?.personal]);
  expect(told.filter(([action]) => String(action).startsWith('audit '))).toEqual([
    ['audit export', 'system', undefined],
    ['audit verify', 'system', undefined],
    ['audit replay', 'api_key', true],
    ['audit replay', 'system', false],
  ]);
  const state = async () => JSON.parse((await send('GET', '/audit/verification')).text).lastVerification;
  expect(await state()).toMatchObject({ verdict: 'sound', heldOutside: 1, findings: [], found: 0 });
  const log = new Connection(join(dataDir, 'events.db'), 2_000);
  log.exec(`UPDATE events SET data = '{"locale":"fr_FR"}' WHERE stream = 'customer-c2' AND revision = 1`);
  const tampered = await admin(dataDir, 'audit', 'verify', '--checkpoint', checkpoint);
  expect(code(tampered)).toBe(1);
  expect(tampered.out).toMatch(/not as it was.*\[customer-c2, revision 1, event [0-9a-f-]{36}, leaf \d+\]/);
  expect(await state()).toMatchObject({
    verdict: 'manipulation',
    findings: expect.arrayContaining([expect.objectContaining({ stream: 'customer-c2', revision: 1 })]),
  });
  caller.close();
  await service.stop();

  // When the store wrote an event is in no hash: what looks as if it had waited for its checkpoint for long is a gap.
  log.exec(`UPDATE events SET data = '{"locale":"de_DE"}' WHERE stream = 'customer-c2' AND revision = 1`);
  log.exec('UPDATE events SET recorded_at = 0');
  log.close();
  const tree = new Connection(join(dataDir, 'audit.db'), 2_000);
  tree.exec('DELETE FROM signed_checkpoints');
  tree.close();
  const gaps = await admin(dataDir, 'audit', 'verify');
  expect([gaps.out.split('\n')[0], code(gaps)]).toEqual([expect.stringContaining('under no checkpoint'), 2]);
  const file = join(bundle, 'events.jsonl');
  writeFileSync(file, readFileSync(file, 'utf8').replace('de_DE', 'fr_FR'));
  const second = await offline();
  expect([second.out.includes('customer-c1, revision 1'), code(second)]).toEqual([true, 1]);

  const missing = await admin(dataDir, 'audit', 'verify', '--checkpoint', join(bundle, 'none'));
  expect([missing.err.includes('can not be read'), code(missing)]).toEqual([true, 3]);
}, 120_000);
