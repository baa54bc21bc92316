import type { CustomerView } from '../../customers/read-model/customer-view.js';
import {
  type Cursor,
  type CustomerPage,
  CustomerViews,
  type Generations,
  type ListFilter,
} from '../../customers/read-model/customer-views.js';
import type { Change, Query } from './connection.js';
import { countUpdated, dependsOnUpdated, FEW, pageOf } from './customer-list.js';
import {
  type CustomerRow,
  customersIn,
  DOCUMENT_COLUMNS,
  type DocumentRow,
  fromDocument,
  generationSchema,
  tableOf,
  toRow,
  upsertInto,
} from './customer-tables.js';
import type { SqliteDatabase } from './database.js';
import { WalScrubber } from './wal-scrubber.js';

/** So that dropping a million rows lets other work through. */
const DELETED_AT_ONCE = 500;

type Pointer = readonly [live: number, building: number | null];
const POINTER = 'SELECT live, building FROM generations';

/** In a database made with {@link CUSTOMER_VIEWS_SCHEMA}. Each call reads the pointer to the live generation anew. */
export class SqliteCustomerViews extends CustomerViews {
  private readonly pointer: Query<Pointer>;
  private readonly pointerForWriting: Query<Pointer>;
  private readonly begin: Change;
  private readonly commit: Change;
  private readonly scrubber: WalScrubber;
  private lastLive = 1;
  private readonly upserts = new Map<number, (row: CustomerRow) => void>();

  constructor(private readonly database: SqliteDatabase) {
    super();
    this.pointer = database.reader.query(POINTER);
    this.pointerForWriting = database.writer.query(POINTER);
    this.begin = database.reader.change('BEGIN');
    this.commit = database.reader.change('COMMIT');
    this.scrubber = new WalScrubber(database);
  }

  /** The database is closed by who opened it, and is scrubbed then as well. */
  stop(): void {
    this.scrubber.stop();
  }

  /** The most frequent read of all: view and pointer in one statement, which shows whether it looked in the right place. */
  override get(id: string): Promise<CustomerView | undefined> {
    return this.database.read(() => {
      for (;;) {
        const found = this.getFrom(this.lastLive, id);
        if (found !== undefined) return found === 'none' ? undefined : fromDocument(found);
        [this.lastLive] = existing(this.pointer.get());
      }
    });
  }

  override list(filter: ListFilter, limit: number, cursor?: Cursor): Promise<CustomerPage> {
    return this.read(undefined, (table) => {
      const { sql, values } = pageOf(table, filter, limit, cursor, this.fewUpdated(table, filter));
      const rows = this.database.reader.query<DocumentRow>(sql).all(...values);
      const views = rows.slice(0, limit).map(fromDocument);
      if (cursor?.direction === 'before') views.reverse();
      return { views, hasMore: rows.length > limit };
    });
  }

  override dueForErasure(now: number, limit: number): Promise<readonly string[]> {
    return this.read(undefined, (table) =>
      this.database.reader
        .query<[string]>(`SELECT id FROM ${table} WHERE forget_due_ms <= ? ORDER BY forget_due_ms, id LIMIT ?`)
        .all(now, limit)
        .map(([id]) => id),
    );
  }

  override getMany(ids: readonly string[], generation?: number): Promise<ReadonlyMap<string, CustomerView>> {
    return this.read(generation, (table) => {
      const rows = this.database.reader
        .query<DocumentRow>(`SELECT ${DOCUMENT_COLUMNS} FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`)
        .all(JSON.stringify(ids));
      return new Map(rows.map((row) => [row[0], fromDocument(row)]));
    });
  }

  override ids(after: string | undefined, limit: number): Promise<readonly string[]> {
    return this.read(undefined, (table) =>
      this.database.reader
        .query<[string]>(`SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT ?`)
        .all(after ?? '', limit)
        .map(([id]) => id),
    );
  }

  override versions(ids: readonly string[], generation?: number): Promise<ReadonlyMap<string, number>> {
    return this.read(generation, (table) => {
      const rows = this.database.reader
        .query<[string, number]>(`SELECT id, version FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`)
        .all(JSON.stringify(ids));
      return new Map(rows);
    });
  }

  override async save(views: readonly CustomerView[], generation?: number): Promise<void> {
    if (views.length === 0) return;
    const rows = views.map(toRow);
    await this.database.write(() => {
      const targets = generation === undefined ? this.liveAndBuilding() : [generation];
      const upserts = targets.map((target) => this.upsertOf(target));
      return () => {
        for (const upsert of upserts) for (const row of rows) upsert(row);
      };
    });
    // What was redacted, the hash of an address among it, still stands in the write-ahead log.
    if (views.some(({ status }) => status !== 'active')) this.scrubber.soon();
  }

  override async generations(): Promise<Generations> {
    const [live, building] = await this.database.read(() => existing(this.pointer.get()));
    return { live, ...(building !== null && { building }) };
  }

  override async startBuilding(): Promise<number> {
    const { live } = await this.generations();
    for (const generation of await this.allGenerations()) {
      if (generation !== live) await this.dropGeneration(generation);
    }
    const { writer } = this.database;
    return this.database.write(() => {
      const next = writer.number('SELECT next FROM generations');
      if (existing(this.pointerForWriting.get())[1] !== null)
        throw new Error('Another generation is under construction');
      return () => {
        writer.exec(`${generationSchema(next)} UPDATE generations SET building = next, next = next + 1`);
        return next;
      };
    });
  }

  override async goLive(generation: number): Promise<void> {
    await this.database.write(() => {
      const [live, building] = existing(this.pointerForWriting.get());
      if (live === generation) return () => undefined;
      if (building !== generation) throw new Error('Only the generation under construction can go live');
      return () => this.database.writer.exec('UPDATE generations SET live = building, building = NULL');
    });
  }

  /** In steps: what a crash leaves of it is dropped by the next {@link startBuilding}. */
  override async dropGeneration(generation: number): Promise<void> {
    const table = tableOf(generation);
    const { writer } = this.database;
    await this.database.write(() => {
      if (existing(this.pointerForWriting.get())[0] === generation) throw new Error('The live generation is in use');
      return () => writer.exec(`UPDATE generations SET building = NULL WHERE building = ${generation}`);
    });
    if (!(await this.allGenerations()).includes(generation)) return;
    const some = writer.change(`DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} LIMIT ${DELETED_AT_ONCE})`);
    while ((await this.database.write(() => () => some.run().changes)) > 0);
    await this.database.write(() => () => writer.exec(`DROP TABLE IF EXISTS ${table}`));
    this.upserts.delete(generation);
  }

  override health(): Promise<void> {
    return this.database.health();
  }

  /** The pointer and what it points at in one snapshot, against a switch by another process in between. */
  private read<T>(generation: number | undefined, work: (table: string) => T): Promise<T> {
    return this.database.read(() => {
      this.begin.run();
      try {
        const result = work(tableOf(generation ?? existing(this.pointer.get())[0]));
        this.commit.run();
        return result;
      } catch (error) {
        this.database.reader.rollBack();
        throw error;
      }
    });
  }

  /** @returns undefined when another generation is live now */
  private getFrom(generation: number, id: string): DocumentRow | 'none' | undefined {
    try {
      const sql = `SELECT live, document, checksum FROM generations LEFT JOIN ${tableOf(generation)} ON id = ?`;
      const found = this.database.reader.query<[number, string | null, number | null]>(sql).get(id);
      if (found?.[0] !== generation) return undefined;
      const [, document, checksum] = found;
      return document === null ? 'none' : [id, document, checksum];
    } catch (error) {
      // Its table is gone once another process has switched and dropped it.
      if (existing(this.pointer.get())[0] === generation) throw error;
      return undefined;
    }
  }

  private fewUpdated(table: string, filter: ListFilter): boolean {
    if (!dependsOnUpdated(filter) || filter.updatedTime === undefined) return false;
    const { sql, values } = countUpdated(table, filter.updatedTime);
    const [count] = this.database.reader.query<[number]>(sql).get(...values) ?? [0];
    return count <= FEW;
  }

  private liveAndBuilding(): number[] {
    const [live, building] = existing(this.pointerForWriting.get());
    return building === null ? [live] : [live, building];
  }

  private upsertOf(generation: number): (row: CustomerRow) => void {
    let upsert = this.upserts.get(generation);
    if (upsert === undefined) {
      upsert = upsertInto(this.database.writer, tableOf(generation));
      this.upserts.set(generation, upsert);
    }
    return upsert;
  }

  private allGenerations(): Promise<readonly number[]> {
    return this.database.read(() =>
      customersIn(this.database.reader).map(({ name }) => Number(name.slice('customers_'.length))),
    );
  }
}

function existing(pointer: Pointer | undefined): Pointer {
  if (pointer === undefined) throw new Error('The views have lost the pointer to their live generation');
  return pointer;
}
