import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { openPrivacy } from '../adapters.js';
import { isSignedBy, type Receipt, type ReceiptPayload } from '../privacy/receipt.js';
import { withStores } from './with-stores.js';

interface Options {
  readonly key?: Uint8Array;
}

export function addVerifyReceiptCommand(program: Command): void {
  const privacy =
    program.commands.find((command) => command.name() === 'privacy') ??
    program.command('privacy').description('Looks after the forgetting of customers.');
  privacy
    .command('verify-receipt <file>')
    .description(
      'Check the signature of a receipt: the answer of GET /customers/{id}/erasure, or its "receipt" alone. With --key ' +
        'nothing but the file is needed; without it the keys of the service are asked, whose settings are in the environment.',
    )
    .option('--key <base64>', 'public Ed25519 key of the service, 32 bytes, from a source you trust', parseKey)
    .action(verify);
}

async function verify(file: string, { key }: Options): Promise<void> {
  const receipt = parseReceipt(await readFile(file, 'utf8').catch(() => refuse('The file can not be read.')));
  const { payload, signature } = receipt;
  const signer =
    key ?? (await ownKey(signature.keyId)) ?? refuse(`The service has no signing key "${signature.keyId}".`);
  if (!isSignedBy(signer, receipt)) refuse('NOT GENUINE: this key did not sign this receipt.');
  console.log(
    [
      'Genuine.',
      `  customer      ${payload.customerId}, life ${String(payload.life)}`,
      `  erased        ${payload.erasedTime} (${payload.cause})`,
      `  keys          ${payload.keys.map(({ fingerprint }) => fingerprint).join(', ') || 'there was none'}`,
      `  event         ${payload.event.stream}@${String(payload.event.revision)} ${payload.event.hash}`,
      `  old backups   ${plannedOf(payload)}`,
      `  signed by     ${signature.keyId} ${Buffer.from(signer).toString('base64')}`,
    ].join('\n'),
  );
}

function ownKey(id: string): Promise<Uint8Array | undefined> {
  return withStores(async ({ config, stores }) => {
    const { signing } = await openPrivacy(config, stores);
    return signing.ids.includes(id) ? signing.publicKey(id) : undefined;
  });
}

function parseReceipt(text: string): Receipt {
  const parsed = asJson(text);
  const receipt = isObject(parsed) && isObject(parsed['receipt']) ? parsed['receipt'] : parsed;
  return isReceipt(receipt) ? receipt : refuse('The file holds no receipt.');
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse('The file holds no receipt.');
  }
}

/** As far as it is looked into here: a receipt that lacks something else was signed by nobody. */
function isReceipt(value: unknown): value is Receipt {
  if (!isObject(value)) return false;
  const { payload, signature } = value;
  return (
    isObject(payload) &&
    isObject(payload['event']) &&
    isObject(payload['planned']) &&
    Array.isArray(payload['keys']) &&
    isObject(signature) &&
    typeof signature['keyId'] === 'string' &&
    typeof signature['value'] === 'string'
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function refuse(message: string): never {
  throw new Error(message);
}

function parseKey(text: string): Uint8Array {
  const key = Buffer.from(text, 'base64');
  if (key.length !== 32) throw new InvalidArgumentError('Not base64 of 32 bytes.');
  return new Uint8Array(key);
}

const plannedOf = ({ planned: { backupsUnreadableTime: time } }: ReceiptPayload): string =>
  time === null ? 'no day is planned on which they close' : `closed from ${time} on, as planned`;
