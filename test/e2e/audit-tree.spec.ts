import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointLog } from '../../src/audit/checkpoint-log.js';
import { isSigned, readNote, readVerifierKey, verifierKeys } from '../../src/audit/checkpoint-note.js';
import { CheckpointRounds } from '../../src/audit/checkpoint-rounds.js';
import { isConsistent, rootOfInclusion } from '../../src/audit/merkle.js';
import { leafHash, SHA256 } from '../../src/audit/merkle-hashing.js';
import { TreeFollower } from '../../src/audit/tree-follower.js';
import { witnessServer } from '../../src/audit/witness-server.js';
import { WitnessStore } from '../../src/audit/witness-store.js';
import { readMetadata } from '../../src/event-sourcing/envelope.js';
import { SigningRing } from '../../src/privacy/signing-ring.js';
import { Ends } from '../support/ends.js';
import { CopiedLog } from '../support/copied-audit.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';

let ends: Ends;
beforeEach(() => {
  ends = new Ends();
});
afterEach(() => ends.run());

async function start(config: object = {}): Promise<{ app: TestApp; clock: TestClock; minute: () => Promise<void> }> {
  const clock = new TestClock();
  const app = await startTestApp({ clock, config });
  ends.add(() => app.close());
  const minute = async (): Promise<void> => {
    await app.settled();
    clock.advance(60_000);
    // The first may be one that was under way.
    for (let time = 0; time < 2; time += 1) await app.service.app.get(CheckpointRounds).run();
  };
  return { app, clock, minute };
}

const get = async (app: TestApp, url: string) => {
  const answer = await app.request({ method: 'GET', url });
  return { status: answer.statusCode, text: answer.body, type: answer.headers['content-type'] };
};
const json = async (app: TestApp, url: string) => JSON.parse((await get(app, url)).text);
const create = (app: TestApp, id: string) => app.request({ method: 'POST', url: '/customers', body: { id } });
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

describe('the audit tree over HTTP', () => {
  it('is signed each minute in which it grew, and proves events and its own growth', async () => {
    const { app, minute } = await start();
    expect(await get(app, '/audit/checkpoint')).toMatchObject({ status: 404 });
    await create(app, 'c1');
    await minute();
    const first = await get(app, '/audit/checkpoint');
    expect(first).toMatchObject({ status: 200, type: 'text/plain; charset=utf-8' });
    await create(app, 'c2');
    await minute();
    await minute();
    const state = await json(app, '/audit/verification');
    const notes = [first.text, state.checkpoint].map(readNote);
    const keys = state.keys.map(readVerifierKey);
    for (const note of notes) expect(isSigned(note, keys)).toBe(true);
    // That this was asked for may be in the tree by now.
    expect(state).toMatchObject({ tree: 'sound', origin: notes[0]!.origin });
    expect(state.treeSize - state.unsigned).toBe(notes[1]!.size);
    expect(state.unsigned).toBeLessThanOrEqual(1);
    expect(notes[1]!.size).toBeGreaterThan(notes[0]!.size);

    const { path } = await json(app, `/audit/proofs/consistency?from=${notes[0]!.size}&to=${notes[1]!.size}`);
    expect(isConsistent(notes[0]!, notes[1]!, path.map(bytes), SHA256)).toBe(true);
    for (const { id, metadata } of (await CopiedLog.of(app.stores.eventStore)).events.slice(0, notes[1]!.size)) {
      const proof = await json(app, `/audit/proofs/inclusion?eventId=${id}`);
      const leaf = leafHash(Buffer.from(readMetadata({ metadata }).hash, 'hex'));
      const place = { index: proof.leafIndex, size: proof.head.size };
      expect(rootOfInclusion(leaf, place, proof.path.map(bytes), SHA256)).toEqual(Buffer.from(notes[1]!.root));
    }
  });

  it.each([
    ['/audit/proofs/inclusion', 400, 'eventId'],
    ['/audit/proofs/inclusion?eventId=a%20b', 400, 'eventId'],
    ['/audit/proofs/inclusion?eventId=0198a0f4-6a3e-7c53-9d6c-3f0a5a1c2b7e', 404, 'eventId'],
    ['/audit/proofs/consistency', 400, 'from'],
    ['/audit/proofs/consistency?from=2&to=1', 400, 'from'],
    ['/audit/proofs/consistency?from=1&to=999999', 400, 'to'],
    ['/audit/proofs/consistency?from=0&to=1', 400, 'from'],
  ])('answers %s with %i, naming %s', async (url, status, parameter) => {
    const { app, minute } = await start();
    await create(app, 'c1');
    await create(app, 'c2');
    await minute();
    const answer = await get(app, url);
    expect([answer.status, JSON.parse(answer.text).errors[0].parameter]).toEqual([status, parameter]);
  });

  it('tells by the position of an event which checkpoint covers it first', async () => {
    const { app, minute } = await start();
    await create(app, 'c1');
    await minute();
    await create(app, 'c2');
    await app.settled();
    const log = app.service.app.get(CheckpointLog);
    const { events } = await CopiedLog.of(app.stores.eventStore);
    const [first, second] = ['customer-c1', 'customer-c2'].map((stream) =>
      events.find((event) => event.stream === stream)!,
    );
    const covering = await log.covering(first!.position);
    expect(covering?.size).toBe(1);
    expect(await log.covering(second!.position)).toBeUndefined();
    await minute();
    expect((await log.covering(second!.position))?.size).toBe((await log.latest())?.size);
    expect((await log.covering(first!.position))?.note).toBe(covering?.note);
  });

  it('is signed a last time when the service stops', async () => {
    const { app } = await start();
    await create(app, 'c1');
    await app.settled();
    await app.service.stop();
    expect(await app.stores.auditTree.latestCheckpoint()).toMatchObject({ size: await app.stores.auditTree.size() });
  });

  it('is not signed once the stored tree was altered, and says so', async () => {
    const { app, clock } = await start();
    const { auditTree } = app.stores;
    await create(app, 'c1');
    await app.settled();
    const rounds = app.service.app.get(CheckpointRounds);
    clock.advance(60_000);
    await rounds.run();
    const nodes = auditTree.nodes.bind(auditTree);
    auditTree.nodes = async (refs) => (await nodes(refs)).map((hash) => hash.map((byte) => byte ^ 1));
    await create(app, 'c2');
    await app.settled();
    clock.advance(60_000);
    const before = await auditTree.latestCheckpoint();
    await rounds.run();
    expect(await auditTree.latestCheckpoint()).toEqual(before);
    expect(rounds.signingFailures).toBeGreaterThan(0);
    expect(await json(app, '/audit/verification')).toMatchObject({ tree: 'altered' });
  });
});

describe('the leaves', () => {
  it('stand in log order, each once, also when batches are handed in again and two add them at once', async () => {
    const { app } = await start({ role: 'api' });
    for (let n = 0; n < 20; n += 1) await create(app, `c${n}`);
    const { eventStore, auditTree } = app.stores;
    const { events } = await CopiedLog.of(eventStore);
    const followers = [new TreeFollower(eventStore, auditTree), new TreeFollower(eventStore, auditTree)];
    let at = 0;
    for (let turn = 0; at < events.length; turn += 1) {
      const batch = events.slice(Math.max(0, at - 3), at + 4);
      const done = await Promise.allSettled(followers.map((follower) => follower.handle(batch)));
      for (const result of done) if (result.status === 'rejected') expect(result.reason.name).toBe('TreeOvertaken');
      at += 4;
    }
    await followers[0]!.handle(events).catch(() => followers[0]!.handle(events));
    const leaves = await auditTree.leaves(0, 1_000);
    expect(leaves.map(({ eventId }) => eventId)).toEqual(events.map(({ id }) => id));
  });
});

describe('the witness', () => {
  it('gets every checkpoint, also those of an outage, and takes none that does not continue', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'witness-'));
    ends.add(() => rmSync(folder, { recursive: true, force: true }));
    const store = new WitnessStore(folder, []);
    let away = true;
    const inner = witnessServer(store, () => undefined);
    const server: Server = createServer((request, response) => {
      if (away) response.writeHead(500).end();
      else inner.emit('request', request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ends.add(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    const { app, minute } = await start({ auditWitnessUrl: `http://127.0.0.1:${port}/add-checkpoint` });
    const rounds = app.service.app.get(CheckpointRounds);
    await create(app, 'c1');
    await minute();
    expect(rounds.witnessFailures).toBe(1);
    const metrics = (await get(app, '/metrics')).text;
    expect(metrics).toContain('customers_audit_witness_failures 1');
    away = false;
    await create(app, 'c2');
    await minute();
    // While it waits after a failure it does not ask again.
    expect(rounds.witnessFailures).toBe(1);
    const unwitnessed = await app.stores.auditTree.unwitnessed(10);
    expect(unwitnessed).toHaveLength(2);
    const first = unwitnessed[0]!;
    const answer = (old: number, note: string, proof: readonly string[] = []) =>
      store.add([`old ${old}`, ...proof, '', note].join('\n'));
    expect(answer(0, first.note)).toEqual({ status: 200, text: '' });
    expect(answer(0, unwitnessed[1]!.note)).toEqual({ status: 409, text: String(first.size) });
    expect(answer(first.size, unwitnessed[1]!.note)).toMatchObject({ status: 422 });
    expect(answer(0, 'nothing')).toMatchObject({ status: 400 });
    expect(readdirSync(join(folder, readdirSync(folder)[0]!))).toHaveLength(1);
    const strict = new WitnessStore(
      folder,
      verifierKeys(new SigningRing([{ id: 'x', key: new Uint8Array(32) }]), first.origin),
    );
    expect(strict.add(`old ${first.size}\n\n${first.note}`)).toMatchObject({ status: 403 });
  });
});
