import { statSync } from 'node:fs';
import { StoreUnavailable, type StoreName } from '../../event-sourcing/store-errors.js';
import { Connection } from './connection.js';
import { isBusy, translate } from './driver-errors.js';
import { CommitFailed, GroupCommit, type Job } from './group-commit.js';
import { createPrivately } from './private-file.js';

export const IN_MEMORY = ':memory:';

export interface DatabaseOptions {
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
  /** Run once, in the transaction that makes the file. A changed schema needs a step of its own here, never an edit. */
  readonly schema: string;
  /** How long to wait for another process's transaction before giving up; 2000 ms. */
  readonly patienceMs?: number | undefined;
}

const SCHEMA_VERSION = 1;
/** Blocks the whole thread, so it only bridges the moments in which another process recovers or closes the file. */
const BUSY_MS = 10;
const PATIENCE_MS = 2000;

/**
 * A database file, or one in memory: a connection that writes in groups and, on disk, one that only reads.
 * Errors of the disk and of a lock held too long reach the caller as StoreUnavailable, faults of the program as they are.
 */
export class SqliteDatabase {
  private readonly commits: GroupCommit;
  private readonly inode: number | undefined;

  private constructor(
    private readonly options: DatabaseOptions,
    /** For writes, and for the reads that decide them. */
    readonly writer: Connection,
    /** Refuses to write. In memory the same connection as the writer. */
    readonly reader: Connection,
  ) {
    this.commits = new GroupCommit(writer, options.patienceMs ?? PATIENCE_MS, options.durability);
    this.inode = options.file === IN_MEMORY ? undefined : inodeOf(options.file);
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
      if (!isBusy(error)) throw translate(error, this.options.store);
    }
    return patiently(work, this.options);
  }

  /**
   * Moves the write-ahead log into the file and empties it.
   * @returns false while a reader elsewhere still needs it
   */
  emptyWriteAheadLog(): boolean {
    if (this.options.file === IN_MEMORY) return true;
    return this.writer.query<[number, number, number]>('PRAGMA wal_checkpoint(TRUNCATE)').get()?.[0] === 0;
  }

  /**
   * A file that was deleted or replaced under an open connection can be written for ever, and all of it is lost.
   * @throws StoreUnavailable
   */
  async health(): Promise<void> {
    await this.read(() => this.reader.query('SELECT count(*) FROM sqlite_schema').get());
    if (this.inode === undefined) return;
    if (inodeOf(this.options.file) !== this.inode) {
      throw new StoreUnavailable(this.options.store, {
        cause: new Error('The database file is no longer in its place'),
      });
    }
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
      return await this.commits.run(job, isLasting);
    } catch (error) {
      if (!(error instanceof CommitFailed)) throw translate(error, this.options.store);
      throw onUnconfirmed?.(error.cause) ?? translate(error.cause, this.options.store);
    }
  }
}

function openNow<T>(options: DatabaseOptions, make: (writer: Connection, reader: Connection) => T): T {
  if (options.file === IN_MEMORY) {
    const only = new Connection(IN_MEMORY, BUSY_MS);
    prepareConnection(only, options);
    createSchema(only, options.schema);
    return make(only, only);
  }
  createPrivately(options.file);
  const writer = new Connection(options.file, BUSY_MS);
  try {
    writer.exec('PRAGMA journal_mode = WAL');
    prepareConnection(writer, options);
    createSchema(writer, options.schema);
    return make(writer, openReader(options));
  } catch (error) {
    writer.close();
    throw error;
  }
}

function openReader(options: DatabaseOptions): Connection {
  const reader = new Connection(options.file, BUSY_MS);
  prepareConnection(reader, options);
  reader.exec('PRAGMA query_only = ON');
  return reader;
}

function prepareConnection(connection: Connection, options: DatabaseOptions): void {
  connection.exec(`PRAGMA synchronous = ${options.durability === 'full' ? 'FULL' : 'NORMAL'}`);
  connection.exec(`PRAGMA secure_delete = ${options.secureDelete === true ? 'ON' : 'OFF'}`);
  // Sorting must not leave customers' data in files outside the data folder.
  connection.exec('PRAGMA temp_store = MEMORY');
  connection.exec(`PRAGMA cache_size = -${(options.cacheMb ?? 16) * 1024}`);
  connection.exec('PRAGMA journal_size_limit = 16777216');
}

function createSchema(connection: Connection, schema: string): void {
  if (connection.number('PRAGMA user_version') === SCHEMA_VERSION) return;
  connection.exec('BEGIN IMMEDIATE');
  try {
    const version = connection.number('PRAGMA user_version');
    if (version > SCHEMA_VERSION) throw new Error(`The database was made by a newer release (schema ${version})`);
    if (version === 0) connection.exec(`${schema}; PRAGMA user_version = ${SCHEMA_VERSION}`);
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.inTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

/** A stat, never an open: see {@link createPrivately}. */
function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}

async function patiently<T>(
  work: () => T,
  { store, patienceMs = PATIENCE_MS }: Pick<DatabaseOptions, 'store' | 'patienceMs'>,
): Promise<T> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > giveUpAt) throw translate(error, store);
    }
    await new Promise((resolve) => setTimeout(resolve, 2 + Math.random() * 10));
  }
}
