import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { compact, encoded, hmac, makeTokenKey, signed, type Signer } from '../support/signed-token.js';

export const ISSUER = 'https://issuer.example/';
export const AUDIENCE = 'https://customers.example';
/** Where a token says its keys are to be found: nobody may ever ask there. */
export const LURE = '/lure';

const EC = makeTokenKey('ES256');
const RSA = makeTokenKey('RS256');
const PSS = makeTokenKey('PS256');
const EDDSA = makeTokenKey('EdDSA');
/** Keys that stand in the set and must not be used, or not like this. */
const SMALL = makeTokenKey('RS256', { kid: 'small' }, { rsaBits: 1024 });
const SEALING = makeTokenKey('RS256', { kid: 'sealing', use: 'enc' });
const ONLY_PS = makeTokenKey('RS256', { kid: 'only-ps', alg: 'PS256' });
const ONLY_SIGNS = makeTokenKey('ES256', { kid: 'only-signs', key_ops: ['sign'] });
const TWICE = [makeTokenKey('ES256', { kid: 'twice' }), makeTokenKey('ES256', { kid: 'twice' })] as const;
const NAMELESS = makeTokenKey('ES256', { kid: undefined });
const SHARED_SECRET = 'a-shared-secret-of-32-characters';
const SHARED = { kty: 'oct', k: encoded(SHARED_SECRET), kid: 'shared' };
const OFF_CURVE = makeTokenKey('ES256', { kid: 'off-curve', x: encoded(Buffer.alloc(32, 1)) });
const SECRET = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const PRIVATE = { ...SECRET.privateKey.export({ format: 'jwk' }), kid: 'private', alg: 'ES256' };
/** In no set. */
const ATTACKER = makeTokenKey('ES256');
const ATTACKER_RSA = makeTokenKey('RS256');

export const KEY_SET: readonly object[] = [
  ...[EC, RSA, PSS, EDDSA, SMALL, SEALING, ONLY_PS, ONLY_SIGNS, ...TWICE, NAMELESS, OFF_CURVE].map(({ jwk }) => jwk),
  ...[SHARED, { ...SHARED, kid: 'shared-rs', alg: 'RS256' }, PRIVATE],
];

const nothing: Signer = () => Buffer.alloc(0);
const signedBy =
  (alg: string, key: KeyObject): Signer =>
  (input) =>
    signed(alg, input, key);

/** Every token that must be refused, by what is wrong with it; all else in it is right. @param now seconds */
export function hostileTokens(now: number, origin: string): Readonly<Record<string, string>> {
  return {
    ...withoutSignature(now),
    ...withConfusion(now),
    ...withForgedSignature(now),
    ...withLures(now, origin),
    ...withWrongKey(now),
    ...withWrongHeader(now),
    ...withWrongClaims(now),
    ...withWrongForm(now),
  };
}

export const claimsAt = (now: number, more: object = {}): object => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'a-subject',
  iat: now,
  exp: now + 300,
  scope: 'customers:read customers:write admin',
  ...more,
});

const HEADER = { alg: 'ES256', kid: EC.kid, typ: 'at+jwt' };

/** As good as a token can be. */
export const goodToken = (now: number): string => compact(HEADER, claimsAt(now), EC.sign);

/** Signed rightly by a key that is in no set, under a `kid` that is in none either. */
export const tokenOfUnknownKey = (now: number, kid: string): string =>
  compact({ ...HEADER, kid }, claimsAt(now), ATTACKER.sign);

function withoutSignature(now: number): Record<string, string> {
  const names = ['none', 'None', 'NONE', 'nOnE', 'none ', 'n\u043ene', ''];
  return Object.fromEntries(
    names.flatMap((alg) => [
      [`alg "${alg}", no signature`, compact({ ...HEADER, alg }, claimsAt(now), nothing)],
      [`alg "${alg}", a signature that would be good`, compact({ ...HEADER, alg }, claimsAt(now), EC.sign)],
    ]),
  );
}

function withConfusion(now: number): Record<string, string> {
  const pem = RSA.publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const der = RSA.publicKey.export({ format: 'der', type: 'spki' });
  const modulus = Buffer.from(RSA.publicKey.export({ format: 'jwk' }).n ?? '', 'base64url');
  const hs = { ...HEADER, alg: 'HS256', kid: RSA.kid };
  return {
    'HS256 under the public key as PEM': compact(hs, claimsAt(now), hmac(pem)),
    'HS256 under the public key as PEM without its last line end': compact(hs, claimsAt(now), hmac(pem.trim())),
    'HS256 under the public key as DER': compact(hs, claimsAt(now), hmac(der)),
    'HS256 under the modulus': compact(hs, claimsAt(now), hmac(modulus)),
    'HS256 under the JWK': compact(hs, claimsAt(now), hmac(JSON.stringify(RSA.jwk))),
    'HS256 under an empty secret': compact(hs, claimsAt(now), hmac('')),
    'HS256 under the symmetric key in the set': compact({ ...hs, kid: 'shared' }, claimsAt(now), hmac(SHARED_SECRET)),
    'RS256 that is an HMAC under the symmetric key in the set': compact(
      { ...HEADER, alg: 'RS256', kid: 'shared-rs' },
      claimsAt(now),
      hmac(SHARED_SECRET),
    ),
    HS512: compact({ ...hs, alg: 'HS512' }, claimsAt(now), (input) => createHmac('sha512', pem).update(input).digest()),
    RS1: compact({ ...HEADER, alg: 'RS1', kid: RSA.kid }, claimsAt(now), (input) =>
      sign('sha1', Buffer.from(input), RSA.privateKey),
    ),
    ES256K: compact({ ...HEADER, alg: 'ES256K' }, claimsAt(now), EC.sign),
    'PS256 with an RS256 signature': compact({ ...HEADER, alg: 'PS256', kid: PSS.kid }, claimsAt(now), (input) =>
      signed('RS256', input, PSS.privateKey),
    ),
    'RS256 by a key for PS256': compact({ ...HEADER, alg: 'RS256', kid: 'only-ps' }, claimsAt(now), ONLY_PS.sign),
    'PS256 without salt': compact({ ...HEADER, alg: 'PS256', kid: PSS.kid }, claimsAt(now), (input) =>
      sign('sha256', Buffer.from(input), {
        key: PSS.privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: 0,
      }),
    ),
    'ES384 by a P-256 key': compact({ ...HEADER, alg: 'ES384' }, claimsAt(now), signedBy('ES384', EC.privateKey)),
    'EdDSA under the kid of an EC key': compact({ ...HEADER, alg: 'EdDSA' }, claimsAt(now), EDDSA.sign),
  };
}

function withForgedSignature(now: number): Record<string, string> {
  const good = goodToken(now);
  const [header = '', payload = '', signature = ''] = good.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const forged = (signatureBytes: Buffer): string => compact(HEADER, claimsAt(now), () => signatureBytes);
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
  return {
    'another key': compact(HEADER, claimsAt(now), ATTACKER.sign),
    'another RSA key': compact({ ...HEADER, alg: 'RS256', kid: RSA.kid }, claimsAt(now), ATTACKER_RSA.sign),
    'a signature of all zeros': forged(Buffer.alloc(64)),
    'r of the order, s of the order': forged(Buffer.concat([order, order])),
    'r and s of 1': forged(Buffer.concat([Buffer.alloc(31), Buffer.of(1), Buffer.alloc(31), Buffer.of(1)])),
    'an EdDSA signature of all zeros': compact(
      { ...HEADER, alg: 'EdDSA', kid: EDDSA.kid },
      claimsAt(now),
      () => Buffer.alloc(64), // prettier-ignore
    ),
    'an RSA signature of all zeros': compact(
      { ...HEADER, alg: 'RS256', kid: RSA.kid },
      claimsAt(now),
      () => Buffer.alloc(256), // prettier-ignore
    ),
    'a signature in DER': compact(HEADER, claimsAt(now), (input) =>
      sign('sha256', Buffer.from(input), { key: EC.privateKey, dsaEncoding: 'der' }),
    ),
    'no signature': `${header}.${payload}.`,
    'half a signature': forged(bytes.subarray(0, 32)),
    'a signature with a byte more': forged(Buffer.concat([bytes, Buffer.of(0)])),
    'a signature with a bit turned': forged(Buffer.from(bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte)))),
    'the signature of another payload': `${header}.${encoded(claimsAt(now, { scope: 'admin' }))}.${signature}`,
    'the signature of another header': `${encoded({ ...HEADER, x: 1 })}.${payload}.${signature}`,
    'the order of parts mixed up': `${header}.${signature}.${payload}`,
  };
}

function withLures(now: number, origin: string): Record<string, string> {
  const lured = (more: object): string => compact({ ...HEADER, kid: 'lure', ...more }, claimsAt(now), ATTACKER.sign);
  return {
    'jku that leads to the attacker': lured({ jku: `${origin}${LURE}` }),
    'jku, under a kid that is known': lured({ jku: `${origin}${LURE}`, kid: EC.kid }),
    'x5u that leads to the attacker': lured({ x5u: `${origin}${LURE}` }),
    'jwk of the attacker': lured({ jwk: ATTACKER.jwk }),
    'jwk of the attacker, under a kid that is known': lured({ jwk: ATTACKER.jwk, kid: EC.kid }),
    'x5c of the attacker': lured({
      x5c: [ATTACKER.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')],
    }),
    'kid that is an address': lured({ kid: `${origin}${LURE}` }),
    'kid that climbs': compact(
      { ...HEADER, alg: 'HS256', kid: '../../../../../dev/null' },
      claimsAt(now),
      hmac(''), // prettier-ignore
    ),
    'kid that climbs, ES256': lured({ kid: '../../../../../dev/null' }),
    'kid that is SQL': lured({ kid: "' UNION SELECT 'x" }),
    'kid that is a command': lured({ kid: '|/usr/bin/id' }),
    'kid __proto__': lured({ kid: '__proto__' }),
    'kid in another case': compact({ ...HEADER, kid: EC.kid.toUpperCase() }, claimsAt(now), EC.sign),
    'kid with a NUL behind it': compact({ ...HEADER, kid: `${EC.kid}\0` }, claimsAt(now), EC.sign),
  };
}

function withWrongKey(now: number): Record<string, string> {
  const by = (alg: string, kid: string, signer: Signer): string =>
    compact({ ...HEADER, alg, kid }, claimsAt(now), signer);
  return {
    'an RSA key of 1024 bits in the set': by('RS256', 'small', SMALL.sign),
    'a key that is for encryption': by('RS256', 'sealing', SEALING.sign),
    'a key that may not verify': by('ES256', 'only-signs', ONLY_SIGNS.sign),
    'a kid that two keys have': by('ES256', 'twice', TWICE[0].sign),
    'a key that is on no curve': by('ES256', 'off-curve', OFF_CURVE.sign),
    'a key whose secret half is in the set': by('ES256', 'private', signedBy('ES256', SECRET.privateKey)),
    'a key without a name, by an empty kid': by('ES256', '', NAMELESS.sign),
  };
}

function withWrongHeader(now: number): Record<string, string> {
  const wrong = (more: object): string => compact({ ...HEADER, ...more }, claimsAt(now), EC.sign);
  const text = JSON.stringify(HEADER).slice(0, -1);
  return {
    'no typ': wrong({ typ: undefined }),
    'typ logout+jwt': wrong({ typ: 'logout+jwt' }),
    'typ dpop+jwt': wrong({ typ: 'dpop+jwt' }),
    'typ JOSE': wrong({ typ: 'JOSE' }),
    'typ text/at+jwt': wrong({ typ: 'text/at+jwt' }),
    'typ with a tail': wrong({ typ: 'at+jwt; x=1' }),
    'typ in a list': wrong({ typ: ['at+jwt'] }),
    'no kid': wrong({ kid: undefined }),
    'no kid, where one key would do': compact({ alg: 'EdDSA', typ: 'at+jwt' }, claimsAt(now), EDDSA.sign),
    'kid that is a number': wrong({ kid: 1 }),
    'kid in a list': wrong({ kid: [EC.kid] }),
    'kid of 300 characters': wrong({ kid: 'k'.repeat(300) }),
    'crit with an extension': wrong({ crit: ['exp'], exp: now + 300 }),
    'crit that is empty': wrong({ crit: [] }),
    'crit that is no list': wrong({ crit: 'b64' }),
    'b64 false': compact({ ...HEADER, crit: ['b64'], b64: false }, claimsAt(now), EC.sign),
    'b64 true': compact({ ...HEADER, crit: ['b64'], b64: true }, claimsAt(now), EC.sign),
    'b64 false over the bare payload': unencoded(now),
    'b64 false without crit': wrong({ b64: false }),
    'no alg': wrong({ alg: undefined }),
    'alg in a list': wrong({ alg: ['ES256'] }),
    'alg in lower case': wrong({ alg: 'es256' }),
    'alg that is a number': wrong({ alg: 256 }),
    'alg twice, none at the end': compact(`${text},"alg":"none"}`, claimsAt(now), EC.sign),
    'kid twice, unknown at the end': compact(`${text},"kid":"unknown"}`, claimsAt(now), EC.sign),
    'crit twice, an extension at the end': compact(`${text},"crit":[],"crit":["x"]}`, claimsAt(now), EC.sign),
    'alg in the prototype': compact(
      `{"__proto__":{"alg":"ES256"},"kid":"${EC.kid}","typ":"JWT"}`,
      claimsAt(now),
      EC.sign,
    ),
    'a header that is a list': compact([HEADER], claimsAt(now), EC.sign),
    'a header that is text': compact('"ES256"', claimsAt(now), EC.sign),
    'a header that is null': compact('null', claimsAt(now), EC.sign),
    'a header that is empty': compact('', claimsAt(now), EC.sign),
    'a header that is no JSON': compact(text, claimsAt(now), EC.sign),
    'a header with a NUL behind it': compact(`${text}}\0`, claimsAt(now), EC.sign),
    'a header that nests 2,000 deep': compact(`${text},"x":${'['.repeat(2000)}}`, claimsAt(now), EC.sign),
  };
}

/** RFC 7797: the payload stands as it is, and is signed so. */
function unencoded(now: number): string {
  const header = encoded({ ...HEADER, crit: ['b64'], b64: false });
  const payload = encoded(claimsAt(now));
  return `${header}.${payload}.${EC.sign(`${header}.${JSON.stringify(claimsAt(now))}`).toString('base64url')}`;
}

function withWrongClaims(now: number): Record<string, string> {
  const wrong = (more: object): string => compact(HEADER, claimsAt(now, more), EC.sign);
  const payload = (text: string | Buffer): string => compact(HEADER, text, EC.sign);
  const missing = ['iss', 'sub', 'aud', 'exp', 'iat'].map((name) => [`no ${name}`, wrong({ [name]: undefined })]);
  return {
    ...(Object.fromEntries(missing) as Record<string, string>),
    'expired a minute ago': wrong({ exp: now - 60 }),
    'expired just now, tolerance and all': wrong({ exp: now - 10 }),
    'not valid for a minute yet': wrong({ nbf: now + 60 }),
    'issued in a minute': wrong({ iat: now + 60 }),
    'issued more than a day ago': wrong({ iat: now - 86_411, exp: now + 300 }),
    'exp as text': wrong({ exp: `${now + 300}` }),
    'exp in milliseconds as text': wrong({ exp: `${(now + 300) * 1000}` }),
    'exp null': wrong({ exp: null }),
    'exp in a list': wrong({ exp: [now + 300] }),
    'iat as text': wrong({ iat: `${now}` }),
    'iat in milliseconds': wrong({ iat: now * 1000 }),
    'nbf as text': wrong({ nbf: 'now' }),
    'another issuer': wrong({ iss: 'https://attacker.example/' }),
    'the issuer without its slash': wrong({ iss: ISSUER.slice(0, -1) }),
    'the issuer with a tail': wrong({ iss: `${ISSUER}x` }),
    'the issuer in another case': wrong({ iss: ISSUER.toUpperCase() }),
    'the issuer in a list': wrong({ iss: [ISSUER] }),
    'another audience': wrong({ aud: 'https://orders.example' }),
    'an audience that begins alike': wrong({ aud: `${AUDIENCE}.attacker.example` }),
    'an audience that is the beginning': wrong({ aud: AUDIENCE.slice(0, -1) }),
    'the audience in another case': wrong({ aud: AUDIENCE.toUpperCase() }),
    'other audiences': wrong({ aud: ['https://orders.example', `${AUDIENCE}/`] }),
    'an empty list of audiences': wrong({ aud: [] }),
    'the audience in a list of lists': wrong({ aud: [[AUDIENCE]] }),
    'the audience as the name of a member': wrong({ aud: { [AUDIENCE]: true } }),
    'aud null': wrong({ aud: null }),
    'sub that is empty': wrong({ sub: '' }),
    'sub that is a number': wrong({ sub: 7 }),
    'sub that is an object': wrong({ sub: { toString: 'a' } }),
    'sub of 300 characters': wrong({ sub: 's'.repeat(300) }),
    'claims in the prototype': payload(
      JSON.stringify({ scope: 'admin' }).replace('{', `{"__proto__":${JSON.stringify(claimsAt(now))},`),
    ),
    'exp twice, in the past at the end': payload(`${JSON.stringify(claimsAt(now)).slice(0, -1)},"exp":1}`),
    'a payload that is a list': payload(JSON.stringify([claimsAt(now)])),
    'a payload that is text': payload('"admin"'),
    'a payload that is null': payload('null'),
    'an empty payload': payload(''),
    'a payload that is no JSON': payload('sub=admin'),
    'a payload that is no UTF-8': payload(
      Buffer.concat([Buffer.from(JSON.stringify(claimsAt(now)).slice(0, -2)), Buffer.of(0xff, 0x22, 0x7d)]),
    ),
    'a payload with a NUL behind it': payload(`${JSON.stringify(claimsAt(now))}\0`),
    'a token within a token': compact({ ...HEADER, cty: 'JWT' }, goodToken(now), EC.sign),
  };
}

function withWrongForm(now: number): Record<string, string> {
  const good = goodToken(now);
  const [header = '', payload = '', signature = ''] = good.split('.');
  const json = {
    payload,
    signatures: [
      { protected: header, signature },
      { protected: header, signature },
    ],
  };
  return {
    'two parts': `${header}.${payload}`,
    'one part': header,
    'four parts': `${good}.${signature}`,
    'a dot at the end': `${good}.`,
    'a dot before it': `.${good}`,
    'an encrypted token': `${encoded({ alg: 'dir', enc: 'A256GCM', kid: EC.kid, typ: 'at+jwt' })}..${payload.slice(0, 16)}.${payload}.${signature.slice(0, 22)}`,
    'an RSA-encrypted token': `${encoded({ alg: 'RSA-OAEP', enc: 'A256GCM', kid: RSA.kid })}.${signature}.${header}.${payload}.${signature}`,
    'JSON with two signatures': JSON.stringify(json),
    'JSON with two signatures, encoded': encoded(json),
    'flattened JSON': JSON.stringify({ protected: header, payload, signature }),
    padding: `${good}==`,
    'bits behind the last byte': `${good.slice(0, -1)}${next(good.slice(-1))}`,
    'padding within': `${header}==.${payload}.${signature}`,
    'the alphabet of base64': `${header}.${payload}.${Buffer.from(signature, 'base64url').toString('base64').replaceAll('=', '')}+/`,
    'a blank within': `${header}. ${payload}.${signature}`,
    'a quote round it': `"${good}"`,
    'a token cut off': good.slice(0, good.length / 2),
    'two tokens': `${good},${good}`,
    'the scheme twice': `Bearer ${good}`,
    'a token of 9 KiB': compact(HEADER, claimsAt(now, { padding: 'x'.repeat(6_800) }), EC.sign),
    'a token of 15 KiB': compact(HEADER, claimsAt(now, { padding: 'x'.repeat(11_000) }), EC.sign),
    'a header of 15 KiB': compact({ ...HEADER, padding: 'x'.repeat(11_000) }, claimsAt(now), EC.sign),
    'nothing but dots': '.'.repeat(5_000),
    'a token whose header begins with a blank': compact(
      ` ${JSON.stringify({ ...HEADER, typ: 'x' })}`,
      claimsAt(now),
      EC.sign,
    ),
  };
}

/** The last of 86 characters that stand for 64 bytes holds two of their bits, and four that mean nothing. */
function next(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(character) + 1] ?? '';
}
