import { JwksServer } from '../../test/support/jwks-server.js';
import { makeTokenKey } from '../../test/support/signed-token.js';
import { TestClock } from '../../test/support/test-clock.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { TokenKeys } from './token-keys.js';

/** Lets timers and sockets have their turn: a loop of promises alone would never end where it should fail. */
const turn = (): Promise<unknown> => new Promise((next) => setImmediate(next));

const LONG = 3_600_000;
const timing = { timeout: 1_000, cooldown: LONG, cooldownOnFailure: LONG, maxAge: LONG };
const [old, young] = [makeTokenKey('ES256', { kid: 'old' }), makeTokenKey('ES256', { kid: 'young' })];

describe("the issuer's keys", () => {
  let issuer: JwksServer;
  let clock: TestClock;
  beforeEach(async () => {
    clock = new TestClock();
    issuer = await JwksServer.start([old.jwk]);
  });
  afterEach(() => issuer.close());

  const keysWith = (some: Partial<typeof timing>): ((kid: string) => Promise<unknown>) => {
    const keys = new TokenKeys(issuer.url, clock, { ...timing, ...some });
    return async (kid) => keys.keyFor({ alg: 'ES256', kid }, { payload: '', signature: '' });
  };

  it('are fetched once for all who need them at the same time, and kept', async () => {
    const keyOf = keysWith({});
    await Promise.all(Array.from({ length: 50 }, () => keyOf('old')));
    await keyOf('old');
    expect(issuer.asked).toHaveLength(1);
  });

  it('are fetched again for one that is not known, after the cool-down', async () => {
    const cooldown = 300;
    const keyOf = keysWith({ cooldown });
    await keyOf('old');
    const fetchedAt = performance.now();
    issuer.keys = [old.jwk, young.jwk];
    while (!(await keyOf('young').catch(() => false))) await turn();
    expect(performance.now() - fetchedAt).toBeGreaterThan(cooldown - 50);
    expect(issuer.asked).toHaveLength(2);
  });

  it('are never fetched more often than that, however many are unknown', async () => {
    const cooldown = 200;
    const keyOf = keysWith({ cooldown });
    const began = performance.now();
    while (issuer.asked.length < 4) {
      await turn();
      const all = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => keyOf(`unknown-${n}`)));
      for (const each of all) expect(each).toMatchObject({ reason: { code: 'ERR_JWKS_NO_MATCHING_KEY' } });
    }
    expect(performance.now() - began).toBeGreaterThan(3 * cooldown - 50);
  });

  it('are not asked for again and again when that fails, also for one that is not known', async () => {
    const keyOf = keysWith({ cooldown: 0 });
    await keyOf('old');
    issuer.answer = (response) => response.writeHead(503).end();
    for (let n = 0; n < 20; n += 1) await expect(keyOf('young')).rejects.toThrow(StoreUnavailable);
    expect(issuer.asked).toHaveLength(2);
    await keyOf('old');
    clock.advance(LONG);
    await expect(keyOf('young')).rejects.toThrow(StoreUnavailable);
    expect(issuer.asked).toHaveLength(3);
  });

  it('go out of use when they were withdrawn and have grown old', async () => {
    const keyOf = keysWith({ maxAge: 200 });
    await keyOf('old');
    issuer.keys = [young.jwk];
    const refused = async (): Promise<boolean> => {
      const [result] = await Promise.allSettled([keyOf('old')]);
      if (result?.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
      return result?.status === 'rejected';
    };
    while (!(await refused())) await turn();
    await keyOf('young');
    expect(issuer.asked).toHaveLength(2);
  });
});
