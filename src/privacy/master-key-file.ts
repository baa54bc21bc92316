import { randomBytes } from 'node:crypto';
import { link, mkdir, open, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Config } from '../config.js';
import { KEY_BYTES, MasterKeyRefused, MasterKeys, fingerprintOf } from './master-keys.js';

const OTHERS = 0o007;

/**
 * The configured master keys, and behind them, as an old one, that of the key file (32 raw bytes) if there is one: so
 * an instance that began with the file can move on. Where none are configured it is the one of the file alone, which is made
 * when there is none, unless it must exist.
 * @throws MasterKeyRefused
 */
export async function loadMasterKeys(
  config: Pick<Config, 'masterKeys' | 'masterKeyFile'> & Partial<Pick<Config, 'masterKeyMustExist'>>,
): Promise<MasterKeys> {
  const file = resolve(config.masterKeyFile);
  const { masterKeys: configured, masterKeyMustExist: mustExist = false } = config;
  const reading = configured === undefined ? readOrMake(file, !mustExist) : readKey(file);
  const key = await reading.catch((error: unknown) => {
    if (error instanceof MasterKeyRefused) throw error;
    throw new MasterKeyRefused(`Master key file ${file} can't be used (${codeOf(error) ?? 'unknown error'})`);
  });
  const own = key === undefined ? [] : [{ id: fingerprintOf(key).slice(0, 16), key }];
  const listed = configured ?? [];
  // The key of the file may have been moved into the list under the id it has in the store.
  const beside = own.filter(({ id }) => !listed.some((known) => known.id === id));
  return new MasterKeys([...listed, ...beside]);
}

async function readOrMake(file: string, mayMake: boolean): Promise<Uint8Array> {
  const standing = await readKey(file);
  if (standing !== undefined) return standing;
  if (!mayMake) throw new MasterKeyRefused(`There is no master key file ${file}`);
  await makeKey(file);
  const made = await readKey(file);
  if (made === undefined) throw new MasterKeyRefused(`Master key file ${file} vanished while it was made`);
  return made;
}

async function readKey(file: string): Promise<Uint8Array | undefined> {
  const handle = await open(file, 'r').catch(unless('ENOENT'));
  if (handle === undefined) return undefined;
  try {
    const { mode, size } = await handle.stat();
    // Windows has no such modes and reports made-up ones.
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
      throw new MasterKeyRefused(`Master key file ${file} is open to every user of the machine: set its mode to 0600`);
    }
    if (size !== KEY_BYTES) throw new MasterKeyRefused(`Master key file ${file} is not ${KEY_BYTES} bytes long`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/**
 * Under its name the file appears whole or not at all, and durable before anything is wrapped by it. `link` instead of
 * `rename`, because it never replaces: of two starters the second finds the first one's key standing.
 */
async function makeKey(file: string): Promise<void> {
  const folder = dirname(file);
  const topmostMade = await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(8).toString('hex')}.tmp`;
  try {
    await writeDurably(draft, randomBytes(KEY_BYTES));
    await link(draft, file).catch(unless('EEXIST'));
  } finally {
    await unlink(draft).catch(unless('ENOENT'));
  }
  await syncFolders(folder, topmostMade === undefined ? folder : dirname(topmostMade));
}

async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the names in `folder`, and in the folders above it up to `top`, outlive a power cut. */
async function syncFolders(folder: string, top: string): Promise<void> {
  // Windows can't open a folder, and keeps names without being asked.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (folder !== top) await syncFolders(dirname(folder), top);
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;

/** For `catch`: takes one error code as an answer, passes every other on. */
const unless =
  (code: string) =>
  (error: unknown): undefined => {
    if (codeOf(error) !== code) throw error;
  };
