import { setTimeout as delay } from 'node:timers/promises';
import { cleanUp } from '../support/service-process.js';
import { Canaries } from './canaries-entries.js';
import { findBytes, findPlain } from './canaries-search.js';
import { change, creation, Session, type StoredKey } from './canaries-session.js';

const PATIENCE_MS = 15_000;

describe('the bytes of a destroyed key', () => {
  const canaries = new Canaries();
  let session: Session;
  /** As they stood before anything was erased. */
  let before: readonly StoredKey[];
  beforeAll(async () => {
    session = await Session.start();
  }, 60_000);
  afterAll(cleanUp);

  const keyOf = (name: string): StoredKey => {
    const key = before.find((stored) => stored.name === name);
    if (key?.plain === undefined) throw new Error(`There was no key ${name}`);
    return key;
  };

  /** Wrapped or not, in whatever form. The file of the master key is a key as well, but none of a customer. */
  const traces = ({ name, wrapped, plain = wrapped }: StoredKey): string[] => {
    const places = [...session.files, ...session.logs, ...session.errors];
    return [...findBytes(wrapped, places), ...findBytes(plain, places)].map((place) => `${name}: ${place}`);
  };

  async function expectGone(...names: readonly string[]): Promise<void> {
    const givenUp = performance.now() + PATIENCE_MS;
    let found = names.flatMap((name) => traces(keyOf(name)));
    while (found.length > 0 && performance.now() < givenUp) {
      await delay(20);
      found = names.flatMap((name) => traces(keyOf(name)));
    }
    expect(found).toEqual([]);
    const states = new Map((await session.readKeys()).map((stored) => [stored.name, stored.erased]));
    for (const name of names) expect([name, states.get(name)]).toEqual([name, true]);
    expectToLive('kept 1');
  }

  /** Wrapped, and never otherwise: so the search is known to work. */
  function expectToLive(name: string): void {
    const found = traces(keyOf(name));
    expect(found).not.toEqual([]);
    for (const place of found) expect(place).toMatch(/ 1: bytes, raw in keys\.db(-wal)?$/);
  }

  /** The keyed hash of an address would still tell whose it is, to whoever has the key of the hash. */
  async function expectHashesGone(...ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const hash = await session.emailIndexOf(canaries.last(`${id} updated email`));
      expect([id, findPlain(hash, session.files)]).toEqual([id, []]);
    }
    const hash = await session.emailIndexOf(canaries.last('kept updated email'));
    expect(findPlain(hash, session.files)).toEqual(['plain in views.db']);
  }

  it('stood in the file of the keys while it was there, wrapped and never otherwise', async () => {
    for (const id of ['kept', 'forgotten', 'deleted', 'reborn']) {
      await session.sender.done(creation(canaries, id));
      await session.sender.done(change(canaries, id));
    }
    before = await session.readKeys();
    for (const { name } of before) expectToLive(name);
    expect(new Set(before.map(({ plain }) => Buffer.from(plain ?? []).toString('hex'))).size).toBe(4);
  });

  it('and in no export, which holds no hash of an address either', async () => {
    const folder = await session.export();
    expect(findPlain('forgotten', session.files)).toContain(`plain in ${folder}/events.jsonl`);
    for (const { name } of before) expectToLive(name);
    const hash = await session.emailIndexOf(canaries.last('kept updated email'));
    expect(findPlain(hash, session.files).join()).not.toContain(folder);
  }, 60_000);

  it('are in no byte of the folder after a delete, with the service running on', async () => {
    await session.sender.done({ method: 'DELETE', path: '/customers/deleted' });
    await expectGone('deleted 1');
    for (let i = 0; i < 20; i++) await session.sender.done(creation(canaries, `later-${i}`));
    await expectGone('deleted 1');
  });

  it('nor after a delete and a life anew, whose key is another', async () => {
    await session.sender.done({ method: 'DELETE', path: '/customers/reborn' });
    await session.sender.done(creation(canaries, 'reborn'));
    await expectGone('reborn 1');
    const anew = (await session.readKeys()).find(({ name }) => name === 'reborn 2');
    expect(anew?.erased).toBe(false);
    expect(Buffer.from(anew?.plain ?? []).equals(Buffer.from(keyOf('reborn 1').plain ?? []))).toBe(false);
  });

  it('nor after the grace period, which is over at the next start', async () => {
    await session.sender.done(change(canaries, 'forgotten', { requestToBeForgotten: true }));
    expectToLive('forgotten 1');
    await session.restart();
    await expectGone('forgotten 1', 'deleted 1', 'reborn 1');
  }, 60_000);

  it('nor after a rebuild, and after the end of the service', async () => {
    await session.rebuild();
    await expectGone('forgotten 1', 'deleted 1', 'reborn 1');
    await session.stop();
    await expectGone('forgotten 1', 'deleted 1', 'reborn 1');
    await expectHashesGone('forgotten', 'deleted', 'reborn');
    await session.start();
    await expectGone('forgotten 1', 'deleted 1', 'reborn 1');
  }, 60_000);
});
