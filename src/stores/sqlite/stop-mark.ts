import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file at the moment the service let go of it. */
interface Whole {
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly hash: string;
}

const NAME = 'stopped.json';
const PIECE = 1 << 20;

/**
 * Says of each database file of the folder what it was when the service stopped: whoever finds another one at the next
 * start knows that it was changed in between, by a disk or by somebody. There is no mark while a server runs, so after a
 * crash there is none.
 */
export class StopMark {
  private constructor(
    private readonly folder: string,
    private readonly files: ReadonlyMap<string, Whole>,
  ) {}

  /** Takes the mark off the folder, which is no longer stopped. */
  static take(folder: string): StopMark {
    const mark = new StopMark(folder, read(join(folder, NAME)));
    rmSync(join(folder, NAME), { force: true });
    return mark;
  }

  /**
   * Marks files that are closed now, beside those that were never opened. One with a write-ahead log that is not empty is not
   * whole, and left out.
   * @param names in the folder
   */
  put(names: readonly string[]): void {
    const files = new Map(this.files);
    for (const name of names) {
      files.delete(name);
      const file = join(this.folder, name);
      if (sizeOf(file) > 0 && sizeOf(`${file}-wal`) === 0) files.set(name, wholeOf(file));
    }
    const half = join(this.folder, `${NAME}.new`);
    writeFileSync(half, JSON.stringify(Object.fromEntries(files)), { mode: 0o600 });
    renameSync(half, join(this.folder, NAME));
  }

  /** `unmarked`: nothing is known, as after a crash. Only to be called before the file is opened (see `createPrivately`). */
  stateOf(name: string): 'as_left' | 'changed' | 'unmarked' {
    const then = this.files.get(name);
    if (then === undefined) return 'unmarked';
    const file = join(this.folder, name);
    if (sizeOf(file) !== then.bytes || sizeOf(`${file}-wal`) > 0) return 'changed';
    return wholeOf(file).hash === then.hash ? 'as_left' : 'changed';
  }
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

function wholeOf(file: string): Whole {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(PIECE);
  let bytes = 0;
  const descriptor = openSync(file, 'r');
  try {
    for (let count = -1; count !== 0; bytes += count) {
      count = readSync(descriptor, piece, 0, PIECE, bytes);
      hash.update(piece.subarray(0, count));
    }
  } finally {
    closeSync(descriptor);
  }
  return { bytes, hash: hash.digest('hex') };
}

/** Nothing, where there is none or it is not of its form: then nothing is known. */
function read(file: string): ReadonlyMap<string, Whole> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return new Map(Object.entries(value ?? {}).filter((entry): entry is [string, Whole] => isWhole(entry[1])));
  } catch {
    return new Map();
  }
}

const isWhole = (value: unknown): value is Whole =>
  typeof value === 'object' &&
  value !== null &&
  'bytes' in value &&
  'hash' in value &&
  typeof value.bytes === 'number' &&
  typeof value.hash === 'string';
