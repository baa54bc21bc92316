import type { StoreName } from '../../event-sourcing/store-errors.js';
import { Connection, type SetUp } from './connection.js';
import { type Database, IN_MEMORY, prepare } from './driver.js';
import { Busy, isBusy, isOutOfReach, translate } from './driver-errors.js';
import { CommitFailed, GroupCommit, type Job } from './group-commit.js';
import { createPrivately } from './private-file.js';
import { bringUpToDate, type Schema, SCHEMA_VERSION } from './schema.js';

export interface DatabaseOptions extends Schema {
  /** A path, or {@link IN_MEMORY}. */
  readonly file: string;
  /** Named by the errors. */
  readonly store: StoreName;
  /** `full`: a write that resolved survives a power cut. `normal`: it survives the process, and can be made again. */
  readonly durability: 'full' | 'normal';
  /** Overwrite what is deleted or replaced. */
  readonly secureDelete?: boolean;
  /** Pages kept in memory, in MiB; 16. */
  readonly cacheMb?: number;
  /** How long to wait for another process's transaction before giving up; 2000 ms. */
  readonly patienceMs?: number | undefined;
}

/** Blocks the whole thread, so it only bridges the moments in which another process recovers or closes the file. */
const BUSY_MS = 10;
const PATIENCE_MS = 2000;
/** So long a write shows that the next can be done. */
const PROVEN_MS = 1000;

/**
 * A database file, or one in memory: a connection that writes in groups and, on disk, one that only reads.
 * Errors of the disk and of a lock held too long reach the caller as StoreUnavailable, faults of the program as they are.
 */
export class SqliteDatabase {
  private readonly commits: GroupCommit;
  private writtenAt = -Infinity;
  private proof: Promise<void> | undefined;

  private constructor(
    private readonly options: DatabaseOptions,
    /** For writes, and for the reads that decide them. */
    readonly writer: Connection,
    /** Refuses to write. In memory the same connection as the writer. */
    readonly reader: Connection,
  ) {
    this.commits = new GroupCommit(writer, options.patienceMs ?? PATIENCE_MS, options.durability);
  }

  /** @throws StoreUnavailable */
  static async open(options: DatabaseOptions): Promise<SqliteDatabase> {
    return patiently(() => openNow(options, (writer, reader) => new SqliteDatabase(options, writer, reader)), options);
  }

  /**
   * Runs the job in a transaction that others may share.
   * @param onUnconfirmed what to throw when the disk failed to confirm: all of it or nothing may have been written
   * @throws StoreUnavailable nothing was written
   */
  write<T>(job: Job<T>, onUnconfirmed?: (cause: unknown) => Error): Promise<T> {
    return this.commit(job, true, onUnconfirmed);
  }

  /**
   * As {@link write}, for what can be done again: a power cut may take it back, like a later one of its kind.
   * @throws StoreUnavailable
   */
  writeRepeatable<T>(job: Job<T>): Promise<T> {
    return this.commit(job, false);
  }

  /** For reads: repeated while another process has the file to itself. */
  async read<T>(work: () => T): Promise<T> {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw translate(error, this.options.store, this.options.file);
    }
    return patiently(work, this.options);
  }

  /**
   * Moves the write-ahead log into the file and empties it: all that is committed is then synced to disk.
   * @returns false while a reader elsewhere still needs it
   * @throws what the driver says when the disk fails: to be called within {@link read}
   */
  emptyWriteAheadLog(): boolean {
    if (this.options.file === IN_MEMORY) return true;
    return this.writer.query<[number, number, number]>('PRAGMA wal_checkpoint(TRUNCATE)').get()?.[0] === 0;
  }

  /** All that is committed is on the disk when it resolves, for `normal` durability as well. @throws StoreUnavailable */
  async sync(): Promise<void> {
    await this.read(() => {
      if (!this.emptyWriteAheadLog()) throw new Busy('A reader elsewhere needs the write-ahead log');
    });
  }

  /**
   * Can be read and written, and its file is in its place. A write of the last second proves it, else a small one is made.
   * @throws StoreUnavailable
   */
  async health(): Promise<void> {
    await this.read(() => {
      this.reader.requireInPlace();
      this.reader.query('SELECT count(*) FROM sqlite_schema').get();
    });
    if (performance.now() - this.writtenAt < PROVEN_MS) return;
    this.proof ??= this.write(() => () => this.writer.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)).finally(() => {
      this.proof = undefined;
    });
    await this.proof;
  }

  /** Finishes the writes that wait. */
  async close(): Promise<void> {
    await this.commits.drained();
    if (this.reader !== this.writer) this.reader.close();
    try {
      this.emptyWriteAheadLog();
    } catch {
      // Housekeeping: the next start reads the write-ahead log as well.
    } finally {
      this.writer.close();
    }
  }

  private async commit<T>(job: Job<T>, isLasting: boolean, onUnconfirmed?: (cause: unknown) => Error): Promise<T> {
    try {
      const result = await this.commits.run(job, isLasting);
      this.writtenAt = performance.now();
      return result;
    } catch (error) {
      const { store, file } = this.options;
      if (isOutOfReach(error instanceof CommitFailed ? error.cause : error)) this.writtenAt = -Infinity;
      if (!(error instanceof CommitFailed)) throw translate(error, store, file);
      const cause = translate(error.cause, store, file);
      throw onUnconfirmed?.(cause) ?? cause;
    }
  }
}

function openNow<T>(options: DatabaseOptions, make: (writer: Connection, reader: Connection) => T): T {
  if (options.file === IN_MEMORY) {
    const only = new Connection(IN_MEMORY, BUSY_MS, (database) => applySettings(database, options));
    bringUpToDate(only, options);
    return make(only, only);
  }
  createPrivately(options.file);
  const writer = new Connection(options.file, BUSY_MS, forWriting(options));
  try {
    bringUpToDate(writer, options);
    return make(writer, new Connection(options.file, BUSY_MS, forReading(options)));
  } catch (error) {
    writer.close();
    throw error;
  }
}

const forWriting =
  (options: DatabaseOptions): SetUp =>
  (database, again) => {
    database.exec('PRAGMA journal_mode = WAL');
    applySettings(database, options);
    if (again) rewriteLog(database);
  };

const forReading =
  (options: DatabaseOptions): SetUp =>
  (database) => {
    applySettings(database, options);
    database.exec('PRAGMA query_only = ON; SELECT count(*) FROM sqlite_schema');
  };

/**
 * After a sync that failed, the system takes pages for written that never reached the disk, and a later sync says nothing of
 * them. What the write-ahead log holds is therefore written anew, into the file, before anything is added behind it.
 */
function rewriteLog(database: Database): void {
  const [busy] = prepare(database, 'PRAGMA wal_checkpoint(TRUNCATE)').get() as readonly [number];
  if (busy !== 0) throw new Busy('A reader elsewhere needs the write-ahead log');
}

function applySettings(database: Database, options: DatabaseOptions): void {
  database.exec(`PRAGMA synchronous = ${options.durability === 'full' ? 'FULL' : 'NORMAL'}`);
  database.exec(`PRAGMA secure_delete = ${options.secureDelete === true ? 'ON' : 'OFF'}`);
  // Sorting must not leave customers' data in files outside the data folder.
  database.exec('PRAGMA temp_store = MEMORY');
  database.exec(`PRAGMA cache_size = -${(options.cacheMb ?? 16) * 1024}`);
  database.exec('PRAGMA journal_size_limit = 16777216');
  // A page that holds nonsense is found when it is read, and not by what comes of it.
  database.exec('PRAGMA cell_size_check = ON');
}

async function patiently<T>(
  work: () => T,
  { file, store, patienceMs = PATIENCE_MS }: Pick<DatabaseOptions, 'file' | 'store' | 'patienceMs'>,
): Promise<T> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > giveUpAt) throw translate(error, store, file);
    }
    await new Promise((resolve) => setTimeout(resolve, 2 + Math.random() * 10));
  }
}
