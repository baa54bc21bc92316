import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export type Signer = (input: string) => Buffer;

export interface TokenKey {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** The public half, as it stands in a key set. */
  readonly jwk: object;
  readonly sign: Signer;
}

const HASHES = { '256': 'sha256', '384': 'sha384', '512': 'sha512' } as const;
const CURVES = { '256': 'P-256', '384': 'P-384', '512': 'P-521' } as const;
const sizeOf = (alg: string): keyof typeof HASHES => (/(256|384|512)$/.exec(alg)?.[0] ?? '256') as keyof typeof HASHES;

/** @param more members of the key in the set: other ones, or in place of the usual ones */
export function makeTokenKey(alg: string, more: object = {}, { rsaBits = 2048 } = {}): TokenKey {
  const { privateKey, publicKey } = keyPair(alg, rsaBits);
  const kid = `kid-${alg}`;
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig', ...more };
  return { alg, kid, privateKey, publicKey, jwk, sign: (input) => signed(alg, input, privateKey) };
}

function keyPair(alg: string, rsaBits: number): { privateKey: KeyObject; publicKey: KeyObject } {
  if (/^[RP]S/.test(alg)) return generateKeyPairSync('rsa', { modulusLength: rsaBits });
  if (alg.startsWith('ES')) return generateKeyPairSync('ec', { namedCurve: CURVES[sizeOf(alg)] });
  return generateKeyPairSync('ed25519');
}

/** RFC 7518, 3 and RFC 8037, 3.1, by another hand than the library that checks it. */
export function signed(alg: string, input: string, key: KeyObject): Buffer {
  const bytes = Buffer.from(input);
  if (/^Ed/.test(alg)) return sign(null, bytes, key);
  const hash = HASHES[sizeOf(alg)];
  if (alg.startsWith('ES')) return sign(hash, bytes, { key, dsaEncoding: 'ieee-p1363' });
  if (alg.startsWith('RS')) return sign(hash, bytes, key);
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  return sign(hash, bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
}

export const hmac =
  (secret: string | Buffer): Signer =>
  (input) =>
    createHmac('sha256', secret).update(input).digest();

/** A compact JWS. Header and payload are signed as they are when they are text or bytes. */
export function compact(header: object | string, payload: object | string | Buffer, signer: Signer): string {
  const input = `${encoded(header)}.${encoded(payload)}`;
  return `${input}.${signer(input).toString('base64url')}`;
}

export function encoded(part: object | string | Buffer): string {
  return Buffer.from(typeof part === 'string' || Buffer.isBuffer(part) ? part : JSON.stringify(part)).toString(
    'base64url',
  );
}
