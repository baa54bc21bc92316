import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, renameSync, writeSync } from 'node:fs';
import { constants, homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { seed } from './seed.js';

const SOURCE = resolve('test/support/disk-faults.c');

export type FailingCall = 'reads' | 'writes' | 'syncs' | 'truncates';
const KINDS: Readonly<Record<FailingCall, number>> = { reads: 1, writes: 2, syncs: 4, truncates: 8 };

/** Where the values of the control file stand, each of four bytes; the state of the generator has eight. */
const AT = { kinds: 0, rate: 4, error: 8, injected: 12, random: 16, end: 24 };

/** The built library. @returns undefined where it can't be built, with the reason in `why` */
export function diskFaultLibrary(): { readonly file: string } | { readonly why: string } {
  if (process.platform !== 'linux') return { why: `only for Linux, not ${process.platform}` };
  const hash = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 12);
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const file = join(cache, 'customers-service', `disk-faults-${process.arch}-${hash}.so`);
  if (existsSync(file)) return { file };
  mkdirSync(dirname(file), { recursive: true });
  const half = `${file}.${process.pid}`;
  const { error, status, stderr } = spawnSync('cc', ['-O2', '-shared', '-fPIC', '-o', half, SOURCE, '-ldl'], {
    encoding: 'utf8',
  });
  if (error !== undefined) return { why: 'there is no C compiler (cc)' };
  if (status !== 0) return { why: `the C compiler refused ${SOURCE}: ${stderr}` };
  renameSync(half, file);
  return { file };
}

/** The disk under the database files of one folder, which fails when it is told to. */
export class DiskFaults {
  /** For the environment of the process whose disk it is to be. */
  readonly env: Readonly<Record<string, string>>;
  private readonly control: number;

  constructor(library: string, folder: string, control: string) {
    this.env = { LD_PRELOAD: library, DISK_FAULTS_FOLDER: folder, DISK_FAULTS_CONTROL: control };
    this.control = openSync(control, 'w+', 0o600);
    const initial = Buffer.alloc(AT.end);
    initial.writeUInt32LE(seed() >>> 0, AT.random);
    writeSync(this.control, initial, 0, AT.end, 0);
  }

  /**
   * From now on calls fail.
   * @param rate the share of them, up to 1
   * @param error of those that write; a read always fails with EIO
   */
  on(calls: readonly FailingCall[], rate: number, error: 'EIO' | 'ENOSPC' = 'EIO'): void {
    this.put(AT.rate, Math.round(rate * 65_536));
    this.put(AT.error, constants.errno[error]);
    this.put(
      AT.kinds,
      calls.reduce((kinds, call) => kinds | KINDS[call], 0),
    );
  }

  off(): void {
    this.put(AT.kinds, 0);
  }

  /** How many calls have failed so far. */
  get injected(): number {
    const value = Buffer.alloc(4);
    readSync(this.control, value, 0, 4, AT.injected);
    return value.readUInt32LE();
  }

  close(): void {
    closeSync(this.control);
  }

  private put(at: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    writeSync(this.control, bytes, 0, 4, at);
  }
}
