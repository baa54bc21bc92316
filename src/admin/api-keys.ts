import { type Command, InvalidArgumentError } from 'commander';
import type { StoredApiKey } from '../access/api-keys.js';
import { newApiKey } from '../access/secrets.js';
import { isScope, type Scope, SCOPES } from '../access/scopes.js';
import { parseKeyName } from './parse-key-name.js';
import { parseMoment } from './parse-moment.js';
import { withStores } from './with-stores.js';

interface CreateOptions {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expires?: number;
}

export function addApiKeyCommands(program: Command): void {
  const keys = program.command('api-keys').description('Create, list and revoke API keys.');
  keys
    .command('create')
    .description('Create a key and show its secret, once.')
    .requiredOption('--name <name>', 'what the key is for; shown in lists, never secret', parseKeyName)
    .requiredOption('--scopes <scopes>', `comma-separated, of: ${SCOPES.join(', ')}; or "all"`, parseScopes)
    .option('--expires <time>', 'RFC 3339, or a date; without it the key does not expire', parseTime)
    .action(create);
  keys.command('list').description('List all keys; no secret is kept, so none is shown.').action(list);
  keys.command('revoke <id>').description('Revoke a key for good.').action(revoke);
}

async function create({ name, scopes, expires }: CreateOptions): Promise<void> {
  const made = newApiKey({ name, scopes, ...(expires !== undefined && { expiresAt: expires }) }, Date.now());
  await withStores(({ stores }) => stores.apiKeys.add(made.stored));
  console.log(`Key ${made.stored.id} created. Its secret, shown only now:\n${made.secret}`);
}

async function list(): Promise<void> {
  const keys = await withStores(({ stores }) => stores.apiKeys.list());
  if (keys.length === 0) console.log('There are no keys.');
  for (const key of keys) console.log([key.id, stateOf(key), key.name, key.scopes.join(',')].join('\t'));
}

async function revoke(id: string): Promise<void> {
  const revoked = await withStores(({ stores }) => stores.apiKeys.revoke(id, Date.now()));
  if (!revoked) throw new Error(`There is no active key ${id}`);
  console.log(`Key ${id} is revoked.`);
}

function stateOf({ revokedAt, expiresAt }: StoredApiKey): string {
  if (revokedAt !== undefined) return `revoked ${new Date(revokedAt).toISOString()}`;
  if (expiresAt === undefined) return 'active';
  return `${expiresAt <= Date.now() ? 'expired' : 'active until'} ${new Date(expiresAt).toISOString()}`;
}

function parseScopes(value: string): readonly Scope[] {
  if (value === 'all') return SCOPES;
  const scopes = value.split(',').map((scope) => scope.trim());
  const unknown = scopes.find((scope) => !isScope(scope));
  if (unknown !== undefined) throw new InvalidArgumentError(`Unknown scope "${unknown}".`);
  return scopes.filter(isScope);
}

function parseTime(value: string): number {
  const time = parseMoment(value);
  if (time <= Date.now()) throw new InvalidArgumentError('That time has passed.');
  return time;
}
