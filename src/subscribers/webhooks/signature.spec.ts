import { Webhook } from 'standardwebhooks';
import { MasterKeys, WrappedKeyBroken } from '../../privacy/master-keys.js';
import { EndpointSecrets, ROTATION_MS } from './endpoint-secrets.js';
import { shownSecret, signedHeaders } from './signature.js';

const masterKeys = new MasterKeys([{ id: 'm', key: new Uint8Array(32).fill(3) }]);
const secrets = new EndpointSecrets(masterKeys);
const now = Date.now();
const message = { id: 'evt_1', at: now, body: '{"name":"Jürgen 👋"}' };

describe('signatures', () => {
  it('are those of the example in the specification', () => {
    const secret = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
    const headers = signedHeaders(
      { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', at: 1_614_265_330_999, body: '{"test": 2432232314}' },
      [secret],
    );
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('are verified by the published package, with the secret as it was shown, and with no other', () => {
    const { shown, secrets: sealed } = secrets.first('wh_1');
    const headers = signedHeaders(message, secrets.open({ id: 'wh_1', secrets: sealed }, now));
    expect(new Webhook(shown).verify(message.body, headers)).toEqual(JSON.parse(message.body));
    expect(() => new Webhook(secrets.first('wh_1').shown).verify(message.body, headers)).toThrow();
    expect(() => new Webhook(shown).verify(`${message.body} `, headers)).toThrow();
  });

  it('are by both secrets for a day while one takes the place of the other, then by the new one', () => {
    const first = secrets.first('wh_1');
    const second = secrets.rotated({ id: 'wh_1', secrets: first.secrets }, now);
    const third = secrets.rotated({ id: 'wh_1', secrets: second.secrets }, now + 1);
    const valid = (sealed: typeof first.secrets, at: number): boolean[] =>
      [first, second, third].map(({ shown }) => {
        // The package compares with its own clock.
        const headers = signedHeaders({ ...message, at: now }, secrets.open({ id: 'wh_1', secrets: sealed }, at));
        try {
          return Boolean(new Webhook(shown).verify(message.body, headers));
        } catch {
          return false;
        }
      });
    expect(valid(second.secrets, now + ROTATION_MS - 1)).toEqual([true, true, false]);
    expect(valid(second.secrets, now + ROTATION_MS)).toEqual([false, true, false]);
    expect(valid(third.secrets, now + 1)).toEqual([false, true, true]);
  });

  it('need a secret that is sealed, for one endpoint alone', () => {
    const { shown, secrets: sealed } = secrets.first('wh_1');
    expect(() => secrets.open({ id: 'wh_2', secrets: sealed }, now)).toThrow(WrappedKeyBroken);
    const secret = Buffer.from(shown.slice('whsec_'.length), 'base64');
    expect(shownSecret(secret)).toBe(shown);
    expect(Buffer.from(sealed[0]?.wrapped ?? []).includes(secret)).toBe(false);
  });
});
