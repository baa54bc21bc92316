import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { cleanUp } from '../support/service-process.js';
import { answeredCalls, brokenMessages, Canaries, refusedCalls } from './canaries-entries.js';
import { find, findBytes, findPlain, findText, formsOfText } from './canaries-search.js';
import { change, creation, LOCALE, Session } from './canaries-session.js';

const SOURCE_ID = '7d1f0c52-3b6e-4c57-9a41-5e2f80c4b9d3';
const CUSTOMERS = ['kept-4711', 'forgotten-4711', 'deleted-4711', 'reborn-4711'] as const;
/** Put into a view by the test itself, so it may be in a file, but nowhere else. */
const QUOTED = 'Zq4711@Wx.example';
const [KEPT, FORGOTTEN, DELETED, REBORN] = CUSTOMERS;

describe('the search', () => {
  const value = 'Zq "c4" \u00e4/+ Wx';

  it.each([
    ['plain', value],
    ['in capitals', value.toUpperCase().replace('\u00c4', '\u00e4')],
    ['in UTF-16', Buffer.from(`{${value}}`, 'utf16le')],
    ['in UTF-16, big end first', Buffer.from(value, 'utf16le').swap16()],
    ['percent-encoded', encodeURIComponent(value)],
    ['in JSON', JSON.stringify({ value })],
    ['in JSON in JSON', JSON.stringify({ text: JSON.stringify({ value }) })],
    ['in base64', Buffer.from(value).toString('base64')],
    ['in base64 behind one byte', Buffer.from(`{${value}}`).toString('base64')],
    ['in base64 behind two', Buffer.from(`{"${value}"}`).toString('base64url')],
    ['in hex', Buffer.from(`x${value}`).toString('hex')],
    ['as its SHA-256', createHash('sha256').update(value).digest()],
    ['as the MD5 of its small letters, in hex', createHash('md5').update(value.toLowerCase()).digest('hex')],
  ])('finds a value %s, and no other value', (_, planted) => {
    const bytes = Buffer.concat([Buffer.from('before'), Buffer.from(planted as string), Buffer.from('after')]);
    expect(findText(value, [{ name: 'x', bytes }])).not.toEqual([]);
    expect(findText(value.replace('4', '5'), [{ name: 'x', bytes }])).toEqual([]);
  });

  it('finds bytes raw, in hex and in base64, and no other bytes', () => {
    const [key, other] = ['key', 'other'].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer];
    const behindTwo = Buffer.concat([Buffer.from('ab'), key, Buffer.from('c')]).toString('base64url');
    for (const planted of [key, key.toString('hex').toUpperCase(), key.toString('base64'), behindTwo]) {
      const bytes = Buffer.concat([Buffer.from('x'), Buffer.from(planted as string), Buffer.from('y')]);
      expect(findBytes(key, [{ name: 'x', bytes }])).not.toEqual([]);
      expect(findBytes(other, [{ name: 'x', bytes }])).toEqual([]);
    }
  });
});

describe('of everything personal that is sent, nothing is in clear in the data folder, the log or an error:', () => {
  const canaries = new Canaries();
  let session: Session;
  beforeAll(async () => {
    session = await Session.start();
  }, 60_000);
  afterAll(cleanUp);

  function expectNoCanary(): void {
    const { files, logs, errors } = session;
    const forms = canaries.all.map(({ where, value }) => ({ value, forms: formsOfText(value, `${where}: `) }));
    expect(
      find(
        forms.flatMap((canary) => canary.forms),
        [...files, ...logs],
      ),
    ).toEqual([]);
    // The contract has an answer name the id of the address, and an unknown field.
    const unnamed = forms.filter(({ value }) => !canaries.named.has(value));
    expect(
      find(
        unnamed.flatMap((canary) => canary.forms),
        errors,
      ),
    ).toEqual([]);
    // What is not personal is found, so the search is known to work.
    for (const value of [LOCALE, SOURCE_ID, ...CUSTOMERS])
      expect(findPlain(value, files).join()).toContain('events.db');
    expect(findPlain(LOCALE, files).join()).toContain('views.db');
    expect(findPlain('/customers/:id', logs)).toContain('plain in stdout 0');
  }

  it('while customers live', async () => {
    const { sender } = session;
    for (const id of CUSTOMERS) {
      const headers = {
        'idempotency-key': canaries.email(`${id} Idempotency-Key`),
        'x-reason': `call; ${canaries.email(`${id} X-Reason`)}`,
      };
      await sender.done({ ...creation(canaries, id, id === DELETED ? { defaultSourceId: SOURCE_ID } : {}), headers });
      await sender.done(change(canaries, id));
      await sender.done(
        change(canaries, id, { shipping: null, metadata: { [canaries.text('key')]: canaries.text('value') } }),
      );
      const email = canaries.last(`${id} updated email`);
      const found = await sender.done({ path: `/customers?email=${encodeURIComponent(email.toUpperCase())}` });
      expect(found.json()).toMatchObject({ hasMore: false, data: [{ id, email }] });
    }
    expectNoCanary();
  });

  it('nor in an export, made while they live and kept while some are forgotten', async () => {
    const folder = await session.export();
    // It is searched here and with all that follows.
    for (const name of ['events.jsonl', 'views.jsonl'])
      expect(findPlain(LOCALE, session.files)).toContain(`plain in ${folder}/${name}`);
    expectNoCanary();
  }, 60_000);

  it('while requests are refused, or carry what has no effect', async () => {
    for (const call of refusedCalls(canaries, KEPT)) {
      const { status } = await session.sender.send(call);
      expect([call, status >= 400 && status < 500]).toEqual([call, true]);
    }
    for (const call of answeredCalls(canaries, KEPT, canaries.last(`${KEPT} updated email`)))
      await session.sender.done(call);
    for (const message of brokenMessages(canaries)) await session.sender.sendBroken(message);
    expect(session.errors.length).toBeGreaterThan(70);
    expectNoCanary();
  }, 60_000);

  it('while stores are out of reach, or hold what can not be read', async () => {
    const { sender } = session;
    const statuses: number[] = [];
    for (const name of ['events.db', 'keys.db', 'views.db']) {
      await session.whileLocked(name, async () => {
        statuses.push((await sender.send(creation(canaries, `during-${name}`))).status);
        statuses.push((await sender.send(change(canaries, KEPT))).status);
      });
    }
    expect(statuses).toEqual([503, 503, 503, 200, 201, 200]);
    // Reads are refused until the views have caught up with what could not be written to them.
    const read = { path: `/customers/${KEPT}` };
    while ((await sender.send(read)).status === 503) await delay(50);
    session.inDatabase('views.db', (views) => {
      views.exec(
        `UPDATE customers_1 SET document = replace(document, '"sealed":"', '"sealed":"A') WHERE id = '${KEPT}'`,
      );
    });
    expect((await sender.send(read)).status).toBe(500);
    expect((await sender.send({ path: '/customers' })).status).toBe(500);
    // The parser of JSON quotes in its errors what it choked on, up to twenty characters of it.
    session.inDatabase('views.db', (views) => {
      views.change('UPDATE customers_1 SET document = ? WHERE id = ?').run(QUOTED, KEPT);
    });
    expect((await sender.send(read)).status).toBe(500);
    expect(findText(QUOTED, [...session.logs, ...session.errors])).toEqual([]);
    // A change mends it: the view is made from the log and never from the view.
    await sender.done(change(canaries, KEPT));
    await sender.done(read);
    expectNoCanary();
    for (const name of ['SealBroken', 'SyntaxError', 'StoreUnavailable'])
      expect(findPlain(name, session.logs)).not.toEqual([]);
  }, 60_000);

  it('after customers were forgotten, deleted and created anew', async () => {
    await session.sender.done(change(canaries, FORGOTTEN, { requestToBeForgotten: true }));
    for (const id of [DELETED, REBORN]) await session.sender.done({ method: 'DELETE', path: `/customers/${id}` });
    await session.sender.done(creation(canaries, REBORN));
    expectNoCanary();
    // Requests to be forgotten whose time has come are carried out at every start.
    await session.restart();
    const forgotten = await session.sender.done({ path: `/customers/${FORGOTTEN}` });
    expect(Object.keys(forgotten.json<object>())).toEqual([
      'id', 'enabled', 'requestToBeForgotten', 'createdTime', 'updatedTime', 'liveMode',
    ]); // prettier-ignore
    expect((await session.sender.send({ path: `/customers/${DELETED}` })).status).toBe(404);
    expectNoCanary();
  }, 60_000);

  it('when a key is damaged', async () => {
    const query = 'SELECT wrapped FROM subject_keys WHERE subject = ? AND revision = 1';
    const put = 'UPDATE subject_keys SET wrapped = ? WHERE subject = ? AND revision = 1';
    const wrapped = session.inDatabase('keys.db', (keys) => keys.query<[Uint8Array]>(query).get(KEPT)?.[0]);
    if (wrapped === undefined) throw new Error('There is no key to be damaged');
    session.inDatabase('keys.db', (keys) => keys.change(put).run(new Uint8Array(wrapped.length), KEPT));
    await session.restart();
    expect((await session.sender.send({ path: `/customers/${KEPT}` })).status).toBe(503);
    expect((await session.sender.send(change(canaries, KEPT))).status).toBe(503);
    session.inDatabase('keys.db', (keys) => keys.change(put).run(Uint8Array.from(wrapped), KEPT));
    await session.sender.done({ path: `/customers/${KEPT}` });
    expectNoCanary();
    expect(findPlain('KeyMissing', session.logs)).not.toEqual([]);
  }, 60_000);

  it('after a rebuild beside the running service, and after its end', async () => {
    await session.rebuild();
    expectNoCanary();
    const { email } = (await session.sender.done({ path: `/customers/${KEPT}` })).json<{ email: string }>();
    const kept = await session.sender.done({ path: `/customers?email=${encodeURIComponent(email)}` });
    expect(kept.json()).toMatchObject({ data: [{ id: KEPT, email }] });
    await session.stop();
    expectNoCanary();
  }, 60_000);
});
